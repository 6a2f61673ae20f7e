import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { compileTopic } from "../../src/event/topic.ts"

/** AMQP's rules word by word, with no thought for cost. */
function matchesByTheBook(pattern: readonly string[], key: readonly string[]): boolean {
  const [word, ...laterPattern] = pattern
  const [keyWord, ...laterKey] = key
  if (word === undefined) return keyWord === undefined
  if (word === "#") {
    return (
      matchesByTheBook(laterPattern, key) || (keyWord !== undefined && matchesByTheBook(pattern, laterKey))
    )
  }
  if (keyWord === undefined) return false
  return (word === "*" || word === keyWord) && matchesByTheBook(laterPattern, laterKey)
}

/** The empty key has no words. */
const wordsOf = (key: string): readonly string[] => (key === "" ? [] : key.split("."))

const topic = fc
  .array(fc.constantFrom("a", "b", "aa", "", "*", "#"), { maxLength: 7 })
  .map((words) => words.join("."))

const patternOfWildcards = fc
  .array(fc.constantFrom("a", "*", "#", "#"), { maxLength: 8 })
  .map((words) => words.join("."))

const keyOfRepeats = fc
  .array(fc.constantFrom("a", "a", "b"), { maxLength: 9 })
  .map((words) => words.join("."))

describe("a topic pattern", () => {
  test("matches what AMQP's rules say", () => {
    fc.assert(
      fc.property(fc.oneof(topic, patternOfWildcards), fc.oneof(topic, keyOfRepeats), (pattern, key) => {
        expect(compileTopic(pattern)(key)).toBe(matchesByTheBook(wordsOf(pattern), wordsOf(key)))
      }),
      { numRuns: 20_000 },
    )
  })

  const cases = [
    ["without wildcards matches itself", "events.voice.ended", "events.voice.ended", true],
    ["without wildcards matches no longer key", "events.voice", "events.voice.ended", false],
    ["without wildcards matches no shorter key", "events.voice.ended", "events.voice", false],
    ["tells capitals from small letters", "events.voice", "events.Voice", false],
    ["takes one word for *", "events.*.ended", "events.voice.ended", true],
    ["takes not two words for *", "events.*", "events.voice.ended", false],
    ["takes no word for * never", "events.*", "events", false],
    ["takes an empty word for *", "events.*", "events.", true],
    ["takes no words for #", "events.voice.#", "events.voice", true],
    ["takes many words for #", "events.#", "events.voice.call.ended", true],
    ["of # alone matches the empty key", "#", "", true],
    ["of * alone does not match the empty key", "*", "", false],
    ["that is empty matches the empty key", "", "", true],
    ["finds a word behind # at any depth", "#.ended", "events.voice.ended.then.ended", true],
    ["gives # back what a later word needs", "#.a.*.#.b", "a.a.x.b.b", true],
    ["takes * within a word as a letter", "events.vo*", "events.voice", false],
    ["treats a # in the key as a word", "events.voice", "events.#", false],
    ["treats regular expressions as letters", "events.v.ice", "events.voice", false],
  ] as const
  for (const [title, pattern, key, expected] of cases) {
    test(title, () => expect(compileTopic(pattern)(key)).toBe(expected))
  }

  test("with many # answers for a long key", () => {
    // A matcher that goes back to more than the latest # tries some 10^50 ways here.
    const hashes = "#.a.".repeat(40)
    const key = "a.".repeat(5_000)
    expect(compileTopic(`${hashes}b`)(`${key}a`)).toBe(false)
    expect(compileTopic(`${hashes}b`)(`${key}b`)).toBe(true)
  })
})
