import { expect, test } from "bun:test"
import fc from "fast-check"
import { backoffDelay, RetryDelays } from "../../src/event/backoff.ts"

const BACKOFF = { initialMs: 1_000, factor: 2, maxMs: 60_000 }
const lowest = () => 0
const highest = () => 1

test("the wait doubles with each attempt, up to its limit", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((attempt) => backoffDelay(BACKOFF, attempt, highest))
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
})

test("the wait is never less than half of that", () => {
  const waits = [1, 2, 7].map((attempt) => backoffDelay(BACKOFF, attempt, lowest))
  expect(waits).toEqual([500, 1_000, 30_000])
})

test("with a factor of 1 every wait is the same", () => {
  expect(backoffDelay({ ...BACKOFF, factor: 1 }, 9, highest)).toBe(1_000)
})

test("an initial wait above the limit is cut to it", () => {
  expect(backoffDelay({ initialMs: 5_000, factor: 2, maxMs: 100 }, 1, highest)).toBe(100)
})

test("any backoff gives a whole number of milliseconds between half the full wait and the full wait", () => {
  const backoff = fc.record({
    initialMs: fc.integer({ min: 1, max: 86_400_000 }),
    factor: fc.double({ min: 1, max: 1_000, noNaN: true }),
    maxMs: fc.integer({ min: 1, max: 86_400_000 }),
  })
  const attempts = fc.integer({ min: 1, max: 100_000 })
  const portion = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(backoff, attempts, portion, (given, attempt, random) => {
      const wait = backoffDelay(given, attempt, () => random)
      const full = Math.min(given.maxMs, given.initialMs * given.factor ** (attempt - 1))
      expect(Number.isInteger(wait)).toBe(true)
      expect(wait).toBeGreaterThanOrEqual(Math.floor(full / 2))
      expect(wait).toBeLessThanOrEqual(Math.ceil(full))
    }),
  )
})

test("events that failed together are not retried together", () => {
  const waits = new Set(Array.from({ length: 100 }, () => backoffDelay(BACKOFF, 7)))
  expect(waits.size).toBeGreaterThan(50)
})

test("the waits grow with each failure, and start over after a success", async () => {
  const delays = new RetryDelays({ initialMs: 100, factor: 10, maxMs: 1_000_000 })
  const waits = [delays.next(), delays.next(), delays.next()]
  for (const [index, wait] of waits.entries()) {
    expect(wait).toBeWithin(50 * 10 ** index, 100 * 10 ** index + 1)
  }
  delays.reset()
  expect(delays.next()).toBeWithin(50, 101)
  await delays.wait(AbortSignal.abort())
})
