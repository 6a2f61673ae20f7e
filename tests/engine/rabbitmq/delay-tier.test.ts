import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { tierOf } from "../../../src/engine/rabbitmq/topology/delay-tier.ts"

const YEAR_MS = 365 * 86_400_000

describe("the tier of a delay", () => {
  test("is never shorter, and at most half as long again", () => {
    fc.assert(
      fc.property(fc.double({ min: 10, max: YEAR_MS, noNaN: true }), (delayMs) => {
        const tier = tierOf(delayMs)
        expect(tier).toBeGreaterThanOrEqual(delayMs)
        expect(tier).toBeLessThanOrEqual(delayMs * 1.5)
        expect(Number.isInteger(tier)).toBe(true)
      }),
    )
  })

  test("is one of few", () => {
    const tiers = new Set(Array.from({ length: 100_000 }, (_, i) => tierOf(i)))
    expect(tiers.size).toBeLessThan(40)
  })

  test.each([
    [0, 0],
    [-5, 0],
    [Number.NaN, 0],
    [0.2, 10],
    [10, 10],
    [11, 15],
    [1_000, 1_000],
    [1_001, 1_500],
    [Number.POSITIVE_INFINITY, 40_000_000_000],
  ])("of %p ms is %p", (delayMs, tier) => {
    expect(tierOf(delayMs)).toBe(tier)
  })
})
