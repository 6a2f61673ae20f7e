import { EMBEDDED_CAPABILITIES } from "../../src/engine/embedded/capabilities.ts"
import { ChildProcess } from "../support/child-process.ts"
import { EmbeddedStore } from "../support/embedded-store.ts"
import { describeEngine, type EngineHarness } from "./engine-contract.ts"

describeEngine("embedded", async (): Promise<EngineHarness> => {
  const store = new EmbeddedStore()
  return {
    capabilities: EMBEDDED_CAPABILITIES,

    async open() {
      return store.open()
    },

    forget: () => store.close(),

    async crashHolding(queue, count) {
      const script = new URL("../support/hold-deliveries.ts", import.meta.url)
      await using child = new ChildProcess(script, [store.dataDir, queue, String(count)])
      return (await child.printed(count)).map((line) => JSON.parse(line))
    },

    async crashRedriving(queue) {
      const script = new URL("../support/redrive-until-killed.ts", import.meta.url)
      await using child = new ChildProcess(script, [queue, JSON.stringify({ dataDir: store.dataDir })])
      await child.killed()
    },

    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
})
