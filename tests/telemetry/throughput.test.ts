import { expect, test } from "bun:test"
import { STEP_SECONDS, Throughput } from "../../src/telemetry/throughput.ts"

const STEP_MS = STEP_SECONDS * 1_000
const BEGAN = 1_795_000_000_000

test("each step has what was counted in it", () => {
  const totals = { published: 7, handled: 0, failed: 0 }
  using throughput = new Throughput(totals)
  totals.published += 3
  totals.handled += 2
  throughput.step(BEGAN + STEP_MS)
  totals.failed += 1
  throughput.step(BEGAN + 2 * STEP_MS)
  expect(throughput.since(BEGAN)).toEqual({
    endsAt: BEGAN + 2 * STEP_MS,
    published: [3, 0],
    handled: [2, 0],
    failed: [0, 1],
  })
})

test("only the steps that ended after a time are returned", () => {
  const totals = { published: 0, handled: 0, failed: 0 }
  using throughput = new Throughput(totals)
  for (let step = 1; step <= 4; step++) {
    totals.published += step
    throughput.step(BEGAN + step * STEP_MS)
  }
  expect(throughput.since(BEGAN + 2 * STEP_MS).published).toEqual([3, 4])
  expect(throughput.since(BEGAN + 4 * STEP_MS).published).toEqual([])
  expect(throughput.since(BEGAN + 9 * STEP_MS).published).toEqual([])
})

test("an hour is kept", () => {
  using throughput = new Throughput({ published: 0, handled: 0, failed: 0 })
  for (let step = 1; step <= 800; step++) throughput.step(BEGAN + step * STEP_MS)
  expect(throughput.since(0).published.length).toBe(3_600 / STEP_SECONDS)
})
