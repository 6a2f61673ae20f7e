import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { TopicTree, TopicTreeFullError } from "../../src/event/topic-tree.ts"
import { matchesTopic } from "../support/topic-rules.ts"

const topic = fc
  .array(fc.constantFrom("a", "b", "aa", "", "*", "#"), { maxLength: 7 })
  .map((words) => words.join("."))

const patternOfWildcards = fc
  .array(fc.constantFrom("a", "*", "#", "#"), { maxLength: 8 })
  .map((words) => words.join("."))

const keyOfRepeats = fc
  .array(fc.constantFrom("a", "a", "b"), { maxLength: 9 })
  .map((words) => words.join("."))

const pattern = fc.oneof(topic, patternOfWildcards)
const key = fc.oneof(topic, keyOfRepeats)

/** Patterns, each with one of a few values. */
const bindings = fc.array(fc.tuple(pattern, fc.integer({ min: 0, max: 5 })), { maxLength: 12 })

type Bindings = readonly (readonly [pattern: string, value: number])[]

const expectedOf = (bound: Bindings, routingKey: string): readonly number[] =>
  [...new Set(bound.filter(([each]) => matchesTopic(each, routingKey)).map(([, value]) => value))].toSorted()

describe("a topic tree", () => {
  test("finds each value with a matching pattern, by AMQP's rules, once", () => {
    fc.assert(
      fc.property(bindings, fc.array(key, { minLength: 1, maxLength: 5 }), (bound, keys) => {
        const tree = new TopicTree<number>()
        for (const [each, value] of bound) tree.add(each, value)
        for (const each of keys) expect(tree.match(each).toSorted()).toEqual([...expectedOf(bound, each)])
      }),
      { numRuns: 5_000 },
    )
  })

  test("drops only what is removed, and is empty when everything is removed", () => {
    fc.assert(
      fc.property(bindings, bindings, key, (kept, removed, routingKey) => {
        const tree = new TopicTree<number>()
        for (const [each, value] of [...removed, ...kept]) tree.add(each, value)
        for (const [each, value] of removed) tree.remove(each, value)
        expect(tree.match(routingKey).toSorted()).toEqual([...expectedOf(kept, routingKey)])
        for (const [each, value] of kept) tree.remove(each, value)
        expect([tree.nodeCount, tree.match(routingKey)]).toEqual([0, []])
        for (const [each, value] of kept) tree.remove(each, value)
        expect(tree.nodeCount).toBe(0)
      }),
      { numRuns: 5_000 },
    )
  })

  test("reads adjacent wildcards with the same meaning as one pattern", () => {
    const tree = new TopicTree<number>()
    for (const each of ["a.*.#", "a.#.*", "a.#.*.#", "a.#.#.*.#"]) tree.add(each, 1)
    expect(tree.nodeCount).toBe(3)
  })
})

describe("a pattern in a topic tree", () => {
  const cases = [
    ["without wildcards matches itself", "events.voice.ended", "events.voice.ended", true],
    ["without wildcards does not match a longer key", "events.voice", "events.voice.ended", false],
    ["without wildcards does not match a shorter key", "events.voice.ended", "events.voice", false],
    ["is case-sensitive", "events.voice", "events.Voice", false],
    ["matches one word with *", "events.*.ended", "events.voice.ended", true],
    ["does not match two words with *", "events.*", "events.voice.ended", false],
    ["does not match zero words with *", "events.*", "events", false],
    ["matches an empty word with *", "events.*", "events.", true],
    ["matches zero words with #", "events.voice.#", "events.voice", true],
    ["matches many words with #", "events.#", "events.voice.call.ended", true],
    ["that is only # matches the empty key", "#", "", true],
    ["that is only * does not match the empty key", "*", "", false],
    ["that is empty matches the empty key", "", "", true],
    ["matches a word behind # at any depth", "#.ended", "events.voice.ended.then.ended", true],
    ["lets # give back words that a later part needs", "#.a.*.#.b", "a.a.x.b.b", true],
    ["treats * within a word as a character", "events.vo*", "events.voice", false],
    ["treats # in the key as a word", "events.voice", "events.#", false],
    ["treats a regular expression as characters", "events.v.ice", "events.voice", false],
    ["does not match object properties", "events", "constructor", false],
  ] as const
  for (const [title, each, routingKey, expected] of cases) {
    test(title, () => {
      const tree = new TopicTree<string>()
      tree.add(each, "value")
      expect(tree.match(routingKey).length > 0).toBe(expected)
    })
  }
})

describe("topics designed to be slow", () => {
  /** The longest AMQP key has 128 words. */
  const longKey = Array(128).fill("a").join(".")

  test("with many # are matched in one pass", () => {
    // Backtracking would take about 10^30 steps here.
    const tree = new TopicTree<number>()
    const patterns = Array.from({ length: 60 }, (_, index) => `${"#.a.".repeat(index + 1)}b`)
    for (const [index, each] of patterns.entries()) tree.add(each, index)
    expect(tree.match(longKey)).toEqual([])
    expect(tree.match(`${longKey}.b`)).toHaveLength(patterns.length)
  })

  test("with any mix of words and wildcards are matched in one pass", () => {
    const tree = new TopicTree<number>()
    const words = ["a", "*", "#"]
    const mixes = Array.from({ length: 3 ** 8 }, (_, index) =>
      Array.from({ length: 8 }, (__, at) => words[Math.floor(index / 3 ** at) % 3]).join("."),
    )
    for (const [index, each] of mixes.entries()) tree.add(each, index)
    expect(tree.match(longKey)).toHaveLength(mixes.filter((each) => each.includes("#")).length)
  })

  test("are refused without a trace when the tree is full, and accepted again when there is room", () => {
    const tree = new TopicTree<string>({ maxNodes: 8, maxCostlyNodes: 2 })
    tree.add("a.b.c", "first")
    expect(() => tree.add("a.b.d.e.f.g.h.i", "long")).toThrow(TopicTreeFullError)
    expect(() => tree.add("#.*.x.y.z", "costly")).toThrow("far behind a #")
    expect([tree.nodeCount, tree.match("a.b.d"), tree.match("x.y"), tree.match("a.b.c")]).toEqual([
      3,
      [],
      [],
      ["first"],
    ])
    tree.add("#.*.x.y", "second")
    tree.remove("a.b.c", "first")
    tree.remove("#.*.x.y", "second")
    tree.add("a.b.d.e.f.g.h.i", "long")
    expect(tree.match("a.b.d.e.f.g.h.i")).toEqual(["long"])
  })
})
