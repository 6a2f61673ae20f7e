import { expect, test } from "bun:test"
import { RunningPool } from "../support/running-pool.ts"
import { waitUntil } from "../support/wait-until.ts"

const MIB = 1_048_576
const LIMIT_BYTES = 64 * MIB

/** Functions that keep 100 MiB in their worker, make as much garbage a turn for 2.5 seconds, and name their worker. */
const FUNCTIONS = `
  leaks() { globalThis.kept = new Uint8Array(${100 * MIB}).fill(1) },
  async slow() { mark("slow"); await until("go") },
  async wastes() {
    for (const until = Date.now() + 2_500; Date.now() < until; await Bun.sleep(5)) new Uint8Array(${100 * MIB}).fill(1)
  },
  names() { mark("names", (globalThis.id ??= crypto.randomUUID()) + " ") },
`

const replaced = (running: RunningPool) =>
  running.log.filter(({ msg }) => String(msg).startsWith("the heap of a worker is larger than WORKER_MEMORY"))

const namesOf = async (running: RunningPool) => (await running.marked("names")).trim().split(" ")

test("a worker whose heap is too large finishes its jobs, gets no others, and is replaced", async () => {
  await using running = await RunningPool.start(FUNCTIONS, { memoryLimitBytes: LIMIT_BYTES })
  await running.run("names")
  const slow = running.run("slow")
  await running.reached("slow")
  expect(await running.run("leaks")).toEqual({ kind: "done" })
  await waitUntil(() => replaced(running).length > 0, "the worker to be replaced")
  expect(await running.run("names")).toEqual({ kind: "done" })
  running.mark("go")
  expect(await slow).toEqual({ kind: "done" })
  const [first, second] = await namesOf(running)
  expect(second).not.toBe(first)
  expect(replaced(running)).toMatchObject([{ level: 40, limit_bytes: LIMIT_BYTES, running: 1 }])
  expect(Number(replaced(running)[0]?.["heap_bytes"])).toBeGreaterThan(100 * MIB)
  expect(await running.metrics.text()).toContain('event_broker_worker_restarts_total{cause="memory"} 1')
})

test("a large heap is that of one worker: another one stays, and so does one that makes garbage", async () => {
  await using running = await RunningPool.start(FUNCTIONS, {
    size: 2,
    prefetch: 1,
    memoryLimitBytes: LIMIT_BYTES,
  })
  const wasting = running.run("wastes")
  await running.run("leaks")
  expect(await wasting).toEqual({ kind: "done" })
  await waitUntil(() => replaced(running).length > 0, "the other one to be replaced")
  expect(replaced(running)).toHaveLength(1)
})

test("without a limit, no worker is replaced for its heap", async () => {
  await using running = await RunningPool.start(FUNCTIONS)
  await running.run("leaks")
  await running.run("wastes")
  expect(replaced(running)).toEqual([])
})
