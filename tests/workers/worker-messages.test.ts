import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { readWorkerMessage } from "../../src/workers/worker-message-reader.ts"
import { RunningPool } from "../support/running-pool.ts"
import { waitUntil } from "../support/wait-until.ts"
import { anyValue, nearMessage, seedOf } from "../support/worker-messages.ts"

const QUICK = "quick() {}"
const OPEN_WORKER_URL = new URL("../support/open-worker.ts", import.meta.url).href
const MESSAGES_FILE = new URL("../support/worker-messages.ts", import.meta.url).pathname

const refused = (running: RunningPool): readonly unknown[] =>
  running.log.filter(({ msg }) => msg === "a worker died; it will be replaced")

describe("a message of the global postMessage", () => {
  test("reaches nobody: any value leaves the pool and its worker at work", async () => {
    const seed = seedOf()
    await using running = await RunningPool.start(
      `async posts() {
        const { default: fc } = await import(${JSON.stringify(import.meta.resolve("fast-check"))})
        const { anyValue, nearMessage } = await import(${JSON.stringify(MESSAGES_FILE)})
        const values = fc.sample(fc.oneof(anyValue, nearMessage, fc.array(nearMessage)), { seed: ${seed}, numRuns: 200 })
        for (const value of [{}, null, undefined, ...values]) {
          // What can't be cloned does not leave the worker.
          try { postMessage(value) } catch {}
        }
      }, ${QUICK}`,
    )
    expect(await running.run("posts")).toEqual({ kind: "done" })
    expect(await running.run("quick")).toEqual({ kind: "done" })
    await waitUntil(() => running.log.length > 0, "the log")
    expect(running.log.map(({ msg }) => msg)).toEqual([expect.stringContaining("postMessage")])
  })

  const CASES = [
    ["takes the worker's onmessage", "self.onmessage = () => {}"],
    ["takes away postMessage", "globalThis.postMessage = undefined"],
    ["overwrites JSON.stringify", "JSON.stringify = () => { throw new Error('mine') }"],
    ["overwrites Promise", "globalThis.Promise = class {}"],
    ["overwrites Array.prototype.push", "Array.prototype.push = () => 0"],
    ["overwrites the ports' methods", "MessagePort.prototype.postMessage = () => {}"],
    ["never lets messages leave", "globalThis.queueMicrotask = () => {}"],
    ["ends its worker", "process.exit(0)"],
    ["posts to the parent port", "require('node:worker_threads').parentPort?.postMessage(null)"],
  ] as const
  test.each(CASES)("a handler that %s costs at most its worker", async (_, code) => {
    await using running = await RunningPool.start(`odd() { ${code} }, ${QUICK}`)
    await running.run("odd", { timeoutMs: 50 })
    await waitUntil(
      async () => (await running.run("quick", { timeoutMs: 500 })).kind === "done",
      "another event to be handled",
    )
  })
})

describe("a worker whose own port a handler uses", () => {
  test.each([
    ["null", "null"],
    ["an object", "{}"],
    ["a list without a message", "[null]"],
    ["a message without its fields", "[{ kind: 'settled' }]"],
    ["a kind that objects inherit", "[{ kind: 'constructor' }]"],
    [
      "an outcome of an unknown kind",
      "[{ kind: 'settled', job: 1, outcome: { kind: 'no' }, durationMs: 1, cpuTime: { ownMs: 0, sharedMs: 0 } }]",
    ],
    [
      "a CPU time without an end",
      "[{ kind: 'settled', job: 1, outcome: { kind: 'done' }, durationMs: 1, cpuTime: { ownMs: Infinity, sharedMs: 0 } }]",
    ],
    [
      "a log line of an unknown level",
      "[{ kind: 'log', job: null, call: null, level: 'fatal', message: '', fields: '{}' }]",
    ],
    [
      "a place in something that is not a batch",
      "[{ kind: 'event-settled', job: 1, place: 7, outcome: { kind: 'done' } }]",
    ],
  ])("is replaced after %s, and its other events are handled", async (_, message) => {
    await using running = await RunningPool.start(
      `async odd(_, { attempt }) { port.postMessage(${message}); await new Promise(() => {}) }, ${QUICK}`,
      { workerUrl: OPEN_WORKER_URL },
    )
    expect(await running.run("odd")).toMatchObject({
      kind: "worker-crashed",
      error: { name: "ProtocolError" },
    })
    expect(refused(running)).toHaveLength(1)
    expect(await running.run("quick")).toEqual({ kind: "done" })
  })

  test("may send log lines whose fields nest too deep; they are written without them", async () => {
    const fields = `"[".repeat(30_000) + "]".repeat(30_000)`
    await using running = await RunningPool.start(
      `odd() { port.postMessage([{ kind: "log", job: null, call: null, level: "info", message: "deep", fields: ${fields} }]) }`,
      { workerUrl: OPEN_WORKER_URL },
    )
    expect(await running.run("odd")).toEqual({ kind: "done" })
    expect(running.log).toMatchObject([
      { msg: "deep", fields: { fields: expect.stringContaining("can't be shown") } },
    ])
  })

  test("harms no other: whatever it sends, the process survives and ordinary events are handled", async () => {
    const seed = seedOf()
    await using running = await RunningPool.start(
      `async posts(event) {
        const { default: fc } = await import(${JSON.stringify(import.meta.resolve("fast-check"))})
        const { anyValue, nearMessage } = await import(${JSON.stringify(MESSAGES_FILE)})
        const values = fc.oneof({ weight: 1, arbitrary: anyValue }, { weight: 4, arbitrary: fc.array(nearMessage, { maxLength: 5 }) })
        for (const value of fc.sample(values, { seed: ${seed} + event.payload.n, numRuns: 10 })) {
          try { port.postMessage(value) } catch {}
        }
      }, ${QUICK}`,
      { workerUrl: OPEN_WORKER_URL, size: 2 },
    )
    for (let n = 0; n < 10; n++) {
      await running.run("posts", { body: JSON.stringify({ payload: { n } }), timeoutMs: 5_000 })
      await waitUntil(
        async () => (await running.run("quick", { timeoutMs: 5_000 })).kind === "done",
        "an ordinary event to be handled",
      )
    }
    expect(refused(running).length).toBeGreaterThan(0)
  })
})

describe("a message of a worker", () => {
  test("of any shape is read or refused, and never throws", () => {
    fc.assert(
      fc.property(fc.oneof(anyValue, nearMessage), (value) => {
        const read = readWorkerMessage(value)
        if (read !== null) expect(readWorkerMessage(read)).toEqual(read)
      }),
      { numRuns: 500, seed: seedOf() },
    )
  })
})
