import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { EventDraft } from "../../src/event/envelope.ts"
import { EventInvalidError, MalformedEventError } from "../../src/event/errors.ts"
import { completeEvent, decodeEvent, validateDraft } from "../../src/event/validate.ts"
import { newEvent } from "../support/new-event.ts"

const jsonObject = fc
  .dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue())
  .map((object) => JSON.parse(JSON.stringify(object)))

const validDraft = fc
  .record(
    {
      id: fc.string({ minLength: 1, maxLength: 60, unit: "grapheme-ascii" }),
      type: fc.constantFrom("voice", "user", "system", "notification", "custom"),
      name: fc.stringMatching(/^[A-Za-z0-9_-]{1,20}(\.[A-Za-z0-9_-]{1,20}){0,4}$/),
      routing_key: fc.string({ maxLength: 40, unit: "grapheme-composite" }),
      payload: jsonObject,
      priority: fc.constantFrom("low", "medium", "high", "critical"),
      metadata: jsonObject,
    },
    { requiredKeys: ["type", "name", "payload"] },
  )
  .filter(({ routing_key }) => Buffer.byteLength(routing_key ?? "") <= 255)

describe("a stored event", () => {
  test("is decoded as it was written, for any draft", () => {
    fc.assert(
      fc.property(validDraft, fc.nat(), (draft, now) => {
        const event = completeEvent(validateDraft(draft), () => "made", now)
        expect(decodeEvent(JSON.stringify(event))).toStrictEqual(event)
      }),
    )
  })

  test("has ten fields, with defaults", () => {
    const draft = validateDraft({ type: "voice", name: "call.ended", payload: { a: 1 } })
    expect(completeEvent(draft, () => "made", 1_700_000_000_250)).toEqual({
      id: "made",
      type: "voice",
      name: "call.ended",
      routing_key: "events.voice.call.ended",
      payload: { a: 1 },
      priority: "medium",
      metadata: {},
      timestamp: 1_700_000_000.25,
      status: "pending",
      retry_count: 0,
    })
  })

  test("keeps the publisher's id and routing key", () => {
    const draft: EventDraft = { id: "own", type: "user", name: "x", payload: {}, routing_key: "audit.x" }
    expect(completeEvent(validateDraft(draft), () => "made", 0)).toMatchObject({
      id: "own",
      routing_key: "audit.x",
    })
  })

  test("has the default routing key if the publisher's is empty", () => {
    expect(newEvent({ type: "user", name: "x", routing_key: "" }).routing_key).toBe("events.user.x")
  })
})

describe("any JSON value", () => {
  const fieldNames = ["id", "type", "name", "routing_key", "payload", "priority", "metadata", "__proto__"]
  const nearlyDraft = fc.dictionary(fc.constantFrom(...fieldNames), fc.jsonValue())

  test("is a valid draft, or is rejected with at least one fault", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), nearlyDraft), (input) => {
        try {
          validateDraft(JSON.parse(JSON.stringify(input)))
        } catch (error) {
          expect(error).toBeInstanceOf(EventInvalidError)
          expect(error).toHaveProperty("faults.0.message", expect.any(String))
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe("a stored message is malformed", () => {
  const event = newEvent({ name: "broken" })
  const messages: Record<string, string> = {
    "if it is not JSON": "{",
    "if it is empty": "",
    "if it is another JSON value": "[]",
    "if a field is missing": JSON.stringify({ ...event, status: undefined }),
    "if it has an unknown field": JSON.stringify({ ...event, extra: 1 }),
    "if it has another status": JSON.stringify({ ...event, status: "done" }),
    "if the retry count is negative": JSON.stringify({ ...event, retry_count: -1 }),
    "if the retry count is not a whole number": JSON.stringify({ ...event, retry_count: 0.5 }),
    "if the retry count is beyond all bounds": JSON.stringify({ ...event, retry_count: 1e300 }),
    "if the timestamp is a text": JSON.stringify({ ...event, timestamp: "now" }),
    "if the timestamp is before 1970": JSON.stringify({ ...event, timestamp: -0.5 }),
    "if the timestamp is in milliseconds": JSON.stringify({ ...event, timestamp: 1_700_000_000_000 }),
    "if the timestamp is no time at all": JSON.stringify({ ...event, timestamp: 1e300 }),
  }
  for (const [title, body] of Object.entries(messages)) {
    test(title, () => expect(() => decodeEvent(body)).toThrow(MalformedEventError))
  }

  test("with the fault named", () => {
    expect(() => decodeEvent(JSON.stringify({ ...event, retry_count: -1 }))).toThrow("/retry_count")
  })
})
