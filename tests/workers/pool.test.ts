import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import pino from "pino"
import { findModuleFiles } from "../../src/handlers/module-files.ts"
import { ModuleLoadError } from "../../src/handlers/module-load-error.ts"
import { buildModuleSet } from "../../src/handlers/module-set.ts"
import { Metrics } from "../../src/telemetry/metrics.ts"
import { PASSING_THROUGH } from "../../src/telemetry/tracing.ts"
import { Pool } from "../../src/workers/pool.ts"
import { RunningEvents } from "../../src/workers/running-events.ts"
import { BUNDLING } from "../support/bundling.ts"
import { ChildProcess } from "../support/child-process.ts"
import { newEvent } from "../support/new-event.ts"
import { RunningPool } from "../support/running-pool.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 50
const RUN_HANDLER = new URL("../support/run-handler.ts", import.meta.url)
const WORKER_URL = new URL("../../src/workers/inside/worker.ts", import.meta.url).href

const QUICK = "quick() {}"
const SLOW = "async slow() { mark('slow'); await until('go') }"
const SPINS = "spins() { mark('spins'); while (true) {} }"
const WAITS = "async waits() { mark('waits'); await new Promise(() => {}) }"
const EXITS = "exits() { mark('exits'); process.exit(3) }"

describe("a handler over its timeout", () => {
  test("that listens to its signal ends as a timeout, and its worker continues", async () => {
    await using running = await RunningPool.start(
      `listens(_, { signal }) {
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
      }, ${SLOW}`,
    )
    const slow = running.run("slow")
    await running.reached("slow")
    expect(await running.run("listens", { timeoutMs: TIMEOUT_MS })).toMatchObject({
      kind: "timeout",
      error: { name: "AbortError" },
    })
    running.mark("go")
    expect(await slow).toEqual({ kind: "done" })
    expect(await running.marked("slow")).toBe("x")
  })

  test("that returns once its signal is aborted is done", async () => {
    await using running = await RunningPool.start(
      "listens(_, { signal }) { return new Promise((done) => signal.addEventListener('abort', () => done())) }",
    )
    expect(await running.run("listens", { timeoutMs: TIMEOUT_MS })).toEqual({ kind: "done" })
  })

  test("that waits forever is given up, and the other job of its worker finishes", async () => {
    await using running = await RunningPool.start(`${WAITS}, ${SLOW}, ${QUICK}`)
    const slow = running.run("slow")
    await running.reached("slow")
    expect(await running.run("waits", { timeoutMs: TIMEOUT_MS })).toEqual({ kind: "timeout", error: null })
    expect(await running.run("quick")).toEqual({ kind: "done" })
    running.mark("go")
    expect(await slow).toEqual({ kind: "done" })
    expect(await running.marked("slow")).toBe("x")
  })

  test("that spins is ended with its worker, which is replaced", async () => {
    await using running = await RunningPool.start(`${SPINS}, ${QUICK}`)
    expect(await running.run("spins", { timeoutMs: TIMEOUT_MS })).toEqual({ kind: "timeout", error: null })
    expect(await running.run("quick")).toEqual({ kind: "done" })
    expect(await running.marked("spins")).toBe("x")
  })

  test("that spins does not cost its neighbour an attempt", async () => {
    await using running = await RunningPool.start(`${SPINS}, ${SLOW}`)
    const slow = running.run("slow")
    await running.reached("slow")
    const spins = running.run("spins", { timeoutMs: TIMEOUT_MS })
    await running.reached("spins")
    running.mark("go")
    expect(await spins).toMatchObject({ kind: "timeout" })
    expect(await slow).toEqual({ kind: "done" })
  })
})

describe("a handler that takes its worker down", () => {
  test("by process.exit ends as a crash, and the worker is replaced", async () => {
    await using running = await RunningPool.start(`${EXITS}, ${QUICK}`)
    expect(await running.run("exits")).toMatchObject({ kind: "worker-crashed" })
    expect(await running.run("quick")).toEqual({ kind: "done" })
    await waitUntil(() => running.pool.workers.present === 1, "the worker to be replaced")
  })

  test("by process.exit is identified: its neighbour runs again and is done", async () => {
    await using running = await RunningPool.start(`${EXITS}, ${SLOW}`)
    const slow = running.run("slow")
    await running.reached("slow")
    const exits = running.run("exits")
    await running.reached("exits")
    running.mark("go")
    expect(await exits).toMatchObject({ kind: "worker-crashed" })
    expect(await slow).toEqual({ kind: "done" })
    expect(await running.marked("slow")).toBe("xx")
  })

  // `bun test` keeps uncaught errors from the handlers of `process.on`; in a process of their own they arrive there.
  const uncaught = [
    ["an error", "queueMicrotask(() => { throw new RangeError('loose') })"],
    ["an error in a timer", "setTimeout(() => { throw new RangeError('loose') })"],
    ["a rejected promise", "void Promise.reject(new RangeError('loose'))"],
  ] as const
  test.each(uncaught)("by %s that nothing catches reports the error", async (_, code) => {
    const functions = `tested() { ${code}; return new Promise(() => {}) }`
    await using child = new ChildProcess(RUN_HANDLER, [functions, "tested"])
    const [result = ""] = await child.printed(1)
    expect(JSON.parse(result)).toMatchObject({
      kind: "worker-crashed",
      error: { name: "RangeError", message: "loose" },
    })
    expect(await child.exited()).toEqual({ code: 0, errors: "" })
  })

  test("by an error that nothing catches is replaced", async () => {
    await using running = await RunningPool.start(
      `tested() { setTimeout(() => { throw new Error("loose") }); return new Promise(() => {}) }, ${QUICK}`,
    )
    expect(await running.run("tested")).toMatchObject({ kind: "worker-crashed" })
    expect(await running.run("quick")).toEqual({ kind: "done" })
  })

  test("and whose file has changed by then is replaced by one with the same code", async () => {
    await using running = await RunningPool.start(`${EXITS}, ${QUICK}`)
    const without = "export default { queue: 'custom_events', on: { other() {} } }"
    writeFileSync(join(running.folder, "tested.ts"), without)
    expect(await running.run("exits")).toMatchObject({ kind: "worker-crashed" })
    expect(await running.run("quick")).toEqual({ kind: "done" })
  })

  test("while jobs wait leaves them to the next worker", async () => {
    await using running = await RunningPool.start(`${EXITS}, ${QUICK}`, { prefetch: 1 })
    const results = await Promise.all([
      running.run("exits"),
      ...Array.from({ length: 20 }, () => running.run("quick")),
    ])
    expect(results.map(({ kind }) => kind)).toEqual(["worker-crashed", ...Array(20).fill("done")])
  })
})

describe("a worker that dies soon after each start", () => {
  const DIES = "...(setInterval(() => { throw new Error('too soon') }, 5), {})"
  const deaths = (running: RunningPool) =>
    running.log.filter(({ msg }) => msg === "a worker died; it will be replaced")

  test("does not hold up the start, and is started again after growing waits, whether it had events or not", async () => {
    await using running = await RunningPool.start(`${DIES}, ${QUICK}`)
    const jobs = setInterval(() => void running.run("quick"), 1)
    const waits = () => deaths(running).map((line) => Number(line["retry_in_ms"]))
    await waitUntil(() => waits().some((wait) => wait >= 400), "the worker to die again and again")
    clearInterval(jobs)
    expect(waits()[0]).toBeLessThanOrEqual(100)
  })
})

describe("jobs", () => {
  test("that are done stay done, even if the worker dies before it reports them", async () => {
    // The worker notes finished jobs in shared memory, before its message leaves.
    await using running = await RunningPool.start(
      `quick() {
        mark("quick")
        const store = Atomics.store
        Atomics.store = (...args) => { store(...args); process.exit(3) }
      }`,
    )
    expect(await running.run("quick")).toEqual({ kind: "done" })
    expect(await running.marked("quick")).toBe("x")
  })

  test("that wait for credit run by priority", async () => {
    await using running = await RunningPool.start(`${SLOW}, tested(event) { mark("order", event.id) }`, {
      prefetch: 1,
    })
    const slow = running.run("slow")
    await running.reached("slow")
    const jobs = (
      [
        ["a", 1],
        ["b", 9],
        ["c", 4],
        ["d", 9],
      ] as const
    ).map(([id, priority]) => running.run("tested", { priority, body: JSON.stringify(newEvent({ id })) }))
    running.mark("go")
    await Promise.all([slow, ...jobs])
    expect(await running.marked("order")).toBe("bdca")
  })

  test("that run alone have no neighbour", async () => {
    await using running = await RunningPool.start(
      `${SLOW}, async alone() { mark("alone"); await until("alone-go") }, other() { mark("other") }`,
    )
    const slow = running.run("slow")
    await running.reached("slow")
    const alone = running.run("alone", { isAlone: true })
    running.mark("go")
    await running.reached("alone")
    const other = running.run("other")
    expect(await slow).toEqual({ kind: "done" })
    expect(await running.marked("other")).toBe("")
    running.mark("alone-go")
    expect(await alone).toEqual({ kind: "done" })
    expect(await other).toEqual({ kind: "done" })
  })

  test("whose delivery is lost while they wait do not begin, and occupy no worker", async () => {
    await using running = await RunningPool.start(
      `${SLOW}, lost() { mark("lost") }, other() { mark("other") }`,
      { prefetch: 1 },
    )
    let isLost = false
    const slow = running.run("slow")
    await running.reached("slow")
    const lost = [true, false].map((isAlone) => running.run("lost", { isAlone, isLost: () => isLost }))
    const other = running.run("other")
    isLost = true
    running.mark("go")
    expect(await slow).toEqual({ kind: "done" })
    expect(await Promise.all(lost)).toEqual([{ kind: "returned" }, { kind: "returned" }])
    expect(await other).toEqual({ kind: "done" })
    expect(await running.marked("lost")).toBe("")
  })

  test("of several workers run at once, even if they spin", async () => {
    await using running = await RunningPool.start("spins() { mark('spinning'); while (!has('go')) {} }", {
      size: 2,
      prefetch: 1,
    })
    const both = [running.run("spins"), running.run("spins")]
    await waitUntil(async () => (await running.marked("spinning")) === "xx", "both to spin")
    running.mark("go")
    expect(await Promise.all(both)).toEqual([{ kind: "done" }, { kind: "done" }])
  })
})

describe("a pool that stops", () => {
  test("lets running jobs finish, and gives back waiting ones", async () => {
    await using running = await RunningPool.start(`${SLOW}, ${QUICK}`, { prefetch: 1 })
    const slow = running.run("slow")
    await running.reached("slow")
    const waiting = running.run("quick")
    const stopped = running.pool.stop(20_000)
    expect(await waiting).toEqual({ kind: "returned" })
    running.mark("go")
    await stopped
    expect(await slow).toEqual({ kind: "done" })
    expect(await running.run("quick")).toEqual({ kind: "returned" })
  })

  test("aborts jobs that are not finished at the deadline, and gives them back", async () => {
    await using running = await RunningPool.start(
      `async waits(_, { signal }) {
        signal.addEventListener("abort", () => mark("aborted", signal.reason.message))
        mark("waits"); await new Promise(() => {})
      }, ${SPINS}`,
      { size: 2, prefetch: 1 },
    )
    const unfinished = [running.run("waits"), running.run("spins")]
    await Promise.all([running.reached("waits"), running.reached("spins")])
    await running.pool.stop(100)
    expect(await Promise.all(unfinished)).toEqual([{ kind: "returned" }, { kind: "returned" }])
    expect(await running.marked("aborted")).toContain("stopping")
    expect(running.pool.workers.present).toBe(0)
  })

  test("gives back a handler that throws because of the abort", async () => {
    await using running = await RunningPool.start(
      `async listens(_, { signal }) {
        mark("listens")
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
      }`,
    )
    const listens = running.run("listens")
    await running.reached("listens")
    await running.pool.stop(100)
    expect(await listens).toEqual({ kind: "returned" })
  })
})

describe("a module that can't be used stops the start and is named:", () => {
  /** Starts a pool with one module; resolves with the error of the start and the log. */
  async function startWith(source: string, loadTimeoutMs?: number) {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, "fine.ts"), "export default { queue: 'fine', on: { a() {} } }")
    writeFileSync(join(folder.path, "broken.ts"), source)
    const log: string[] = []
    const pool = new Pool({
      size: 1,
      prefetch: 1,
      workerUrl: WORKER_URL,
      environment: {},
      memoryLimitBytes: 0,
      publish: () => Promise.reject(new Error("nothing is published here")),
      maxPublishBytes: 0,
      ...(loadTimeoutMs !== undefined && { loadTimeoutMs }),
      observers: { metrics: new Metrics(), tracing: PASSING_THROUGH, running: new RunningEvents() },
      onReplaced: () => {},
      logger: pino({ level: "debug" }, { write: (line) => log.push(line) }),
    })
    const error = await buildModuleSet(await findModuleFiles(folder.path), BUNDLING)
      .then((set) => pool.start(set))
      .catch((thrown: unknown) => thrown)
    await pool.stop(0)
    expect(error).toBeInstanceOf(ModuleLoadError)
    const message = String(error)
    expect(message).toStartWith("ModuleLoadError: handler module broken.ts: ")
    return { message: message.replaceAll(folder.path, ""), log }
  }

  const cases = [
    [
      "a syntax error",
      "export default {\n  queue: ,\n}",
      "syntax error: Unexpected ,\n  at /broken.ts:2:10\n",
    ],
    [
      "an error while it loads",
      "const a = 1\n\nthrow new Error('no database', { cause: new TypeError('no host') })",
      "threw an error while it was loaded: Error: no database; caused by TypeError: no host\n  at /broken.ts:3:11\n",
    ],
    ["an error that is a text", "throw 'no database'", "threw an error while it was loaded: no database"],
    [
      "an import of a file that is missing",
      "import { a } from './gone.ts'\nexport default { queue: a }",
      'imports "./gone.ts", which does not exist\n  at /broken.ts:1:19\n',
    ],
    [
      "an import of a package that is missing",
      "import * as all from '@acme/gone/part'\nexport default all.default",
      'imports the package "@acme/gone/part", which is not installed: install it in the folder of the module, such as ' +
        'with "npm install @acme/gone"\n  at /broken.ts:1:22\n',
    ],
    [
      "an import of a value from the package of the types",
      "import { defineHandler } from 'event-broker'\nexport default defineHandler",
      'imports a value of "event-broker", which has only types: write import type\n  at /broken.ts:1:31\n',
    ],
    [
      "an import of what is not exported",
      "import { gone } from './fine.ts'\nexport default { queue: gone }",
      "imports gone, which fine.ts does not export\n  at /broken.ts:1:10\n",
    ],
    [
      "a call of process.exit",
      "const isReady = false\nif (!isReady) process.exit(0)\nexport default {}",
      "ended its worker while it was loaded, as process.exit does: throw an error that says why it can't be used\n" +
        "  at /broken.ts:2:",
    ],
    [
      "a call of an imported exit",
      "import { exit } from 'node:process'\nexit(1)\nexport default {}",
      "ended its worker while it was loaded",
    ],
    [
      "an exit that nobody sees",
      "process.reallyExit(1)\nexport default {}",
      "ended its worker while it was loaded",
    ],
    ["no default export", "export const on = {}", "has no default export"],
    [
      "an unknown option",
      "export default {\n  queue: 'q',\n  on: { a() {} },\n  retries: 1,\n}",
      "unknown option `retries`; did you mean `retry`?\n  at /broken.ts:4:3\n",
    ],
    [
      "a handler that is no function",
      "export default { queue: 'q', on: { a: 1 } }",
      "`on.a` must be a function, not 1\n  at /broken.ts:1:36\n",
    ],
    [
      "an option that is a function",
      "export default { queue: 'q', on: { a() {} }, timeout: () => 1 }",
      "`timeout` must be a number of milliseconds, not a function\n  at /broken.ts:1:46\n",
    ],
    [
      "an option that is not a number",
      "export default { queue: 'q', on: { a() {} }, timeout: NaN }",
      "`timeout` must be a number of milliseconds, not NaN\n  at /broken.ts:1:46\n",
    ],
  ] as const
  test.each(cases)("%s, and nothing else is logged", async (_, source, reason) => {
    const { message, log } = await startWith(source)
    expect(message).toContain(reason)
    expect(log).toEqual([])
  })

  test.each([
    ["an await that never ends", "await new Promise(() => {})\nexport default {}"],
    ["a loop that never ends", "for (;;) {}\nexport default {}"],
  ])("%s", async (_, source) => {
    const { message, log } = await startWith(source, 300)
    expect(message).toContain("did not finish loading within 0.3 s")
    expect(log).toEqual([])
  })
})
