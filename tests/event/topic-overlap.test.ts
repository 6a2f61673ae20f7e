import { expect, test } from "bun:test"
import { patternsOverlap } from "../../src/event/topic-overlap.ts"

test.each([
  ["events.voice.#", "events.voice.#", true],
  ["events.voice.#", "events.user.#", false],
  ["events.#", "events.voice.#", true],
  ["#", "events.voice.#", true],
  ["#", "", true],
  ["*", "", false],
  ["events.voice.#", "events.voice", true],
  ["events.*.login", "events.user.#", true],
  ["events.*.login", "events.user.*", true],
  ["events.*", "events.user.#", true],
  ["events.*", "events.user.*.#", false],
  ["#.ended", "events.voice.#", true],
  ["#.ended", "events.voice.*.started", false],
  ["a.#.b.#.c", "a.b.c", true],
  ["a.#.b.#.c", "a.c", false],
])("%s and %s have a routing key in common: %p", (one, other, expected) => {
  expect(patternsOverlap(one, other)).toBe(expected)
  expect(patternsOverlap(other, one)).toBe(expected)
})
