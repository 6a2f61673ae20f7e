import { expect, test } from "bun:test"
import { ageText } from "../../src/commands/age-text.ts"

test.each([
  [null, "?"],
  [0, "-"],
  [0.4, "0s"],
  [59.9, "59s"],
  [60, "1m"],
  [3_599, "59m"],
  [3_600, "1h"],
  [86_399, "23h"],
  [200_000, "2d"],
] as const)("an age of %p seconds is %s", (seconds, text) => {
  expect(ageText(seconds)).toBe(text)
})
