import { expect, test } from "bun:test"
import { RunningPool } from "../support/running-pool.ts"
import { waitUntil } from "../support/wait-until.ts"

const MIB = 1_048_576

const FUNCTIONS = `
  async waits() { mark("waits"); await until("go") },
  keeps() { globalThis.kept = new Uint8Array(${50 * MIB}).fill(1); Bun.gc(true) },
  spins() { mark("spins"); while (!has("go")); },
  exits() { process.exit(3) },
`

test("each worker tells its jobs, memory and CPU", async () => {
  await using running = await RunningPool.start(FUNCTIONS, { size: 2 })
  const { survey } = running.pool
  const waits = running.run("waits")
  await running.reached("waits")
  const before = await survey.look()
  expect(before).toMatchObject([
    { place: 1, state: "ready", isResponding: true, replaced: 0, generation: running.pool.generation },
    { place: 2, state: "ready", isResponding: true, replaced: 0, generation: running.pool.generation },
  ])
  expect(before.map(({ jobs }) => jobs).toSorted()).toEqual([0, 1])
  for (const { heapBytes, cpu } of before) {
    expect(heapBytes).toBeGreaterThan(0)
    expect(cpu?.share).toBeGreaterThan(0)
  }
  await running.run("keeps")
  const largest = async () => Math.max(...(await survey.look()).map(({ heapBytes }) => heapBytes ?? 0))
  await waitUntil(async () => (await largest()) > 50 * MIB, "the heap of one to be larger")
  running.mark("go")
  await waits
})

test("a worker that does not yield keeps nobody waiting, and is told as such until it answers", async () => {
  await using running = await RunningPool.start(FUNCTIONS)
  const { survey } = running.pool
  await survey.look()
  const spins = running.run("spins")
  await running.reached("spins")
  await waitUntil(async () => (await survey.look())[0]?.isResponding === false, "it to be silent")
  expect(await survey.look()).toMatchObject([{ state: "ready", jobs: 1, isResponding: false }])
  running.mark("go")
  await spins
  await waitUntil(async () => (await survey.look())[0]?.isResponding === true, "it to answer")
})

test("a place counts the workers that were replaced in it", async () => {
  await using running = await RunningPool.start(FUNCTIONS)
  const { survey } = running.pool
  expect(await running.run("exits")).toMatchObject({ kind: "worker-crashed" })
  expect(await survey.look()).toMatchObject([{ place: 1, replaced: 1 }])
  await waitUntil(async () => (await survey.look())[0]?.state === "ready", "the next one")
  expect(await survey.look()).toMatchObject([{ place: 1, replaced: 1, jobs: 0 }])
})
