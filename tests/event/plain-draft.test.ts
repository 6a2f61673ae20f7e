import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import * as v from "valibot"
import { EventDraftSchema } from "../../src/event/envelope.ts"
import { plainDraft } from "../../src/event/plain-draft.ts"

const draft = { type: "voice", name: "speech_recognized", payload: { text: "hello" } }

const texts = fc.oneof(
  fc.string({ maxLength: 5 }),
  fc.string({ unit: "binary", maxLength: 5 }),
  fc.nat({ max: 300 }).map((length) => "a".repeat(length)),
  fc.nat({ max: 130 }).map((length) => "é".repeat(length)),
)

const objects = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 })

const anything = fc.oneof(texts, objects, fc.array(fc.nat()), fc.constantFrom(null, undefined, 1, true))

/** Drafts that are valid, or nearly so. */
const drafts = fc.record(
  {
    id: fc.oneof(texts, anything),
    type: fc.oneof(fc.constantFrom("voice", "user", "Voice"), anything),
    name: fc.oneof(fc.constantFrom("call.ended", "call..ended", "call ended"), anything),
    routing_key: fc.oneof(texts, anything),
    payload: fc.oneof(objects, anything),
    priority: fc.oneof(fc.constantFrom("low", "critical", "urgent"), anything),
    metadata: fc.oneof(objects, anything),
    ordering_key: fc.oneof(texts, anything),
    unknown: anything,
    __proto__: anything,
    constructor: anything,
  },
  { requiredKeys: [] },
)

describe("what is plainly valid is what the schema makes of it", () => {
  test("for arbitrary drafts", () => {
    fc.assert(
      fc.property(drafts, fc.boolean(), (change, isWhole) => {
        const input = isWhole ? change : { ...draft, ...change }
        const plain = plainDraft(input)
        if (plain === null) return
        const result = v.safeParse(EventDraftSchema, input)
        expect([result.success, result.output]).toEqual([true, plain])
      }),
      { numRuns: 20_000 },
    )
  })

  test("for values that are no drafts", () => {
    fc.assert(fc.property(fc.anything(), (value) => plainDraft(value) === null))
  })
})

test("a draft is plainly valid with the fields that events have, with defaults of its own", () => {
  expect(plainDraft(draft)).toEqual({ ...draft, type: "voice", priority: "medium", metadata: {} })
  const whole = {
    ...draft,
    id: "01a217cc-6be9-75d3-9a59-cb9216781deb",
    routing_key: "calls.eu",
    priority: "high",
    metadata: { source: "desk" },
    ordering_key: "call 7",
  }
  expect<unknown>(plainDraft(whole)).toEqual(whole)
  expect(plainDraft(draft)?.metadata).not.toBe(plainDraft(draft)?.metadata)
})
