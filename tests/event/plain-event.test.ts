import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import * as v from "valibot"
import { EventDraftSchema, EventSchema } from "../../src/event/envelope.ts"
import { plainDraft, plainEvent } from "../../src/event/plain-event.ts"

const draft = { type: "voice", name: "speech_recognized", payload: { text: "hello" } }

const texts = fc.oneof(
  fc.string({ maxLength: 5 }),
  fc.string({ unit: "binary", maxLength: 5 }),
  fc.nat({ max: 300 }).map((length) => "a".repeat(length)),
  fc.nat({ max: 130 }).map((length) => "é".repeat(length)),
)

const objects = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 })

const anything = fc.oneof(texts, objects, fc.array(fc.nat()), fc.constantFrom(null, undefined, 1, true))

/** A stored event. */
const event = {
  ...draft,
  id: "01a217cc-6be9-75d3-9a59-cb9216781deb",
  routing_key: "events.voice.speech_recognized",
  priority: "medium",
  metadata: {},
  timestamp: 1_795_695_602.665,
  status: "pending",
  retry_count: 0,
}

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, 253_402_300_799, 1_000_000_000, 1e15),
)

/** Fields of drafts and events that are valid, or nearly so. */
const fields = fc.record(
  {
    id: fc.oneof(texts, anything),
    type: fc.oneof(fc.constantFrom("voice", "user", "Voice"), anything),
    name: fc.oneof(fc.constantFrom("call.ended", "call..ended", "call ended"), anything),
    routing_key: fc.oneof(texts, anything),
    payload: fc.oneof(objects, anything),
    priority: fc.oneof(fc.constantFrom("low", "critical", "urgent"), anything),
    metadata: fc.oneof(objects, anything),
    ordering_key: fc.oneof(texts, anything),
    timestamp: fc.oneof(numbers, anything),
    status: fc.oneof(fc.constantFrom("pending", "done"), anything),
    retry_count: fc.oneof(numbers, anything),
    unknown: anything,
    __proto__: anything,
    constructor: anything,
  },
  { requiredKeys: [] },
)

describe("what is plainly valid is what the schema makes of it", () => {
  test.each([
    ["drafts", plainDraft, EventDraftSchema, draft],
    ["events", plainEvent, EventSchema, event],
  ] as const)("for arbitrary %s", (_, plainOf, schema, valid) => {
    let accepted = 0
    fc.assert(
      fc.property(fc.subarray(Object.keys(event)), fields, (changed, change) => {
        const given = fc.stringify(change)
        const input = {
          ...valid,
          ...Object.fromEntries(
            Object.entries(change).filter(([field]) => changed.includes(field) || !(field in event)),
          ),
        }
        const plain = plainOf(input)
        if (plain === null) return
        accepted++
        const result = v.safeParse(schema, input)
        expect([given, result.success, result.output]).toEqual([given, true, plain])
      }),
      { numRuns: 20_000 },
    )
    expect(accepted).toBeGreaterThan(100)
  })

  test("for values of any kind", () => {
    fc.assert(fc.property(fc.anything(), (value) => plainDraft(value) === null && plainEvent(value) === null))
  })
})

test("an event is plainly valid, with and without an ordering key", () => {
  expect<unknown>(plainEvent(event)).toEqual(event)
  expect<unknown>(plainEvent({ ...event, ordering_key: "call 7" })).toEqual({
    ...event,
    ordering_key: "call 7",
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
