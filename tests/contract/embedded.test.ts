import { EMBEDDED_CAPABILITIES } from "../../src/engine/embedded/capabilities.ts"
import { ChildProcess } from "../support/child-process.ts"
import { EmbeddedStore } from "../support/embedded-store.ts"
import { describeEngine, describeFacts, type EngineHarness } from "./engine-contract.ts"

const MAX_FACT_BYTES = 67_108_864

async function newHarness(): Promise<EngineHarness> {
  const store = new EmbeddedStore()
  return {
    capabilities: EMBEDDED_CAPABILITIES,

    async open({ recordsFacts = false } = {}) {
      return store.open(recordsFacts ? { maxFactBytes: MAX_FACT_BYTES } : {})
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
}

describeEngine("embedded", newHarness)
describeFacts("embedded", newHarness)
