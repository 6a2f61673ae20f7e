import { expect, test } from "bun:test"
import pino from "pino"
import { Generations } from "../../src/app/generations.ts"
import { NO_MODULES } from "../../src/handlers/module-set.ts"
import { Metrics } from "../../src/telemetry/metrics.ts"

/** Begins a reload, and returns it while it declares the queues of its modules. */
async function declaring() {
  const done: string[] = []
  const reached = Promise.withResolvers<void>()
  const declared = Promise.withResolvers<void>()
  const set = { ...NO_MODULES, generation: "next" }
  const generations = new Generations({
    pool: {
      candidates: {
        prepare: async () => ({ set, manifests: [], thread: null }),
        discard: () => void done.push("discarded"),
        abandon: () => {},
      },
      adopt: async () => void done.push("adopted"),
    },
    dispatcher: { use: () => void done.push("used") },
    build: async () => set,
    declare() {
      reached.resolve()
      return declared.promise
    },
    onReload: ({ kind }) => void done.push(kind),
    metrics: new Metrics(),
    logger: pino({ level: "silent" }),
  })
  const reload = generations.reload()
  await reached.promise
  return { generations, reload, declared: declared.resolve, done }
}

test("a reload takes its modules into use once their queues are declared", async () => {
  const { reload, declared, done } = await declaring()
  declared()
  expect(await reload).toEqual({ kind: "loaded", before: NO_MODULES.generation })
  expect(done).toEqual(["adopted", "used", "loaded"])
})

test("a reload whose queues are declared after the service began to stop starts nothing", async () => {
  const { generations, reload, declared, done } = await declaring()
  generations.stop()
  declared()
  expect(await reload).toEqual({ kind: "stopped" })
  expect(done).toEqual(["discarded"])
})
