import { afterEach, describe, expect, setSystemTime, test } from "bun:test"
import { JobBoard } from "../../src/workers/job-board.ts"

const HOUR_MS = 3_600_000

afterEach(() => {
  setSystemTime()
})

describe("the time for which a job has run", () => {
  test.each([
    ["forward", 25 * HOUR_MS],
    ["back", -HOUR_MS],
  ])("does not change when the wall clock jumps %s", (_, jumpMs) => {
    const board = JobBoard.withSlots(1)
    const workers = JobBoard.over(board.memory)
    board.give(0)
    const begunAt = performance.now()
    workers.begin(0)
    setSystemTime(new Date(Date.now() + jumpMs))
    const ranForMs = board.runningForMs(0)
    expect(ranForMs).toBeGreaterThanOrEqual(0)
    // The two clocks were set within the same milliseconds; an hour is far from what the machine can take.
    expect(ranForMs).toBeLessThan(performance.now() - begunAt + HOUR_MS / 2)
  })

  test("goes on through heartbeats, and the time since the last of them is known", () => {
    let now = 1_000
    const board = JobBoard.withSlots(2, () => now)
    const workers = JobBoard.over(board.memory, () => now)
    board.give(1)
    workers.begin(1)
    now += 7
    expect(board.silentForMs(1)).toBe(7)
    workers.beat(1)
    now += 5
    expect(board.silentForMs(1)).toBe(5)
    expect(board.runningForMs(1)).toBe(12)
    board.give(1)
    expect(board.silentForMs(1)).toBe(0)
  })

  test("counts from the call of its function, by a clock that both threads share", () => {
    let now = 1_000
    const board = JobBoard.withSlots(2, () => now)
    const workers = JobBoard.over(board.memory, () => now)
    board.give(1)
    now += 5
    expect(board.runningForMs(1)).toBe(0)
    workers.begin(1)
    now += 7
    expect(board.runningForMs(1)).toBe(7)
  })
})
