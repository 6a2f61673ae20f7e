import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { cloudEventOf, draftOfCloudEvent, inCloudEvent } from "../../src/event/cloud-event.ts"
import { EventInvalidError } from "../../src/event/errors.ts"
import { completeEvent, validateDraft } from "../../src/event/validate.ts"

const MINIMAL = { specversion: "1.0", id: "e-1", source: "/calls", type: "voice.call.ended" }

const toEvent = (draft: unknown) => completeEvent(validateDraft(draft), () => "made", 1_700_000_000_250)

/** Returns the value after a round trip through JSON. */
const wired = (value: unknown) => JSON.parse(JSON.stringify(value))

function faultsOf(input: unknown): readonly unknown[] {
  try {
    draftOfCloudEvent(input)
  } catch (error) {
    if (error instanceof EventInvalidError) return error.faults
    throw error
  }
  throw new Error("it was accepted")
}

describe("a CloudEvent becomes an event", () => {
  test("its type becomes type and name, its data the payload, its attributes metadata", () => {
    const given = {
      ...MINIMAL,
      subject: "call-7",
      time: "2026-11-24T10:00:00.5Z",
      dataschema: "https://schemas.example/call",
      datacontenttype: "application/json",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      partitionkey: "call-7",
      priority: "high",
      routingkey: "calls.ended",
      schemaversion: 2,
      isvip: true,
      data: { seconds: 12 },
    }
    expect(draftOfCloudEvent(given)).toEqual({
      id: "e-1",
      type: "voice",
      name: "call.ended",
      payload: { seconds: 12 },
      ordering_key: "call-7",
      priority: "high",
      routing_key: "calls.ended",
      metadata: {
        source: "/calls",
        subject: "call-7",
        time: "2026-11-24T10:00:00.5Z",
        dataschema: "https://schemas.example/call",
        traceparent: given.traceparent,
        schema_version: 2,
        isvip: true,
      },
    })
  })

  test("a type that starts with none of the five becomes the name of an event of type custom", () => {
    const event = toEvent(draftOfCloudEvent({ ...MINIMAL, type: "com.example.order.placed" }))
    expect(event).toMatchObject({ type: "custom", name: "com.example.order.placed" })
    expect(cloudEventOf(event)).toMatchObject({ type: "com.example.order.placed" })
  })

  test("missing data becomes an empty payload, and a null attribute counts as absent", () => {
    expect(draftOfCloudEvent({ ...MINIMAL, subject: null, data: null })).toMatchObject({
      payload: {},
      metadata: { source: "/calls" },
    })
  })
})

describe("every fault is reported with its place", () => {
  test("for attributes", () => {
    expect(
      faultsOf({ specversion: "0.3", id: "", time: "today", Foo: "x", list: [], data_base64: "AA==" }),
    ).toEqual([
      { pointer: "/source", message: "is required" },
      { pointer: "/type", message: "is required" },
      { pointer: "/specversion", message: 'must be "1.0"' },
      { pointer: "/id", message: "must be a string that is not empty and has no control characters" },
      { pointer: "/time", message: "must be an RFC 3339 timestamp" },
      { pointer: "/Foo", message: "is not a valid attribute name: use lower-case letters and digits only" },
      {
        pointer: "/list",
        message: "must be a string without control characters, a boolean, or a 32-bit integer",
      },
      { pointer: "/data_base64", message: "is not supported: send a JSON object in `data`" },
    ])
    expect(faultsOf({ ...MINIMAL, time: "2026-02-30T10:00:00Z" })).toMatchObject([{ pointer: "/time" }])
    expect(faultsOf([MINIMAL])).toEqual([{ pointer: "", message: "must be a JSON object" }])
    expect(faultsOf({ ...MINIMAL, eventbrokermetadata: "[]" })).toMatchObject([
      { pointer: "/eventbrokermetadata" },
    ])
  })

  test("for the draft, with the CloudEvent's field names", () => {
    const pointers = [
      "/name",
      "/payload/text",
      "/ordering_key",
      "/routing_key",
      "/metadata/schema_version",
      "/id",
      "",
    ]
    expect(pointers.map((pointer) => inCloudEvent({ pointer, message: "" }).pointer)).toEqual([
      "/type",
      "/data/text",
      "/partitionkey",
      "/routingkey",
      "/schemaversion",
      "/id",
      "",
    ])
  })
})

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
const text = fc.stringMatching(/^[ -~]{1,20}$/)
const attribute = fc.oneof(text, fc.boolean(), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))
const RESERVED = new Set([
  "specversion",
  "id",
  "type",
  "source",
  "subject",
  "time",
  "data",
  "partitionkey",
  "priority",
])
const extensions = fc.dictionary(
  word.filter((name) => !RESERVED.has(name)),
  attribute,
)

test("converting a CloudEvent to an event and back loses nothing", () => {
  const cloudEvents = fc.record(
    {
      specversion: fc.constant("1.0"),
      id: text,
      source: text,
      type: fc.oneof(
        word.map((name) => `voice.${name}`),
        word.map((name) => `com.example.${name}`),
        word,
      ),
      time: fc.constant("2026-11-24T10:00:00Z"),
      subject: text,
      datacontenttype: fc.constantFrom("application/json", "application/vnd.call+json"),
      partitionkey: word,
      priority: fc.constantFrom("low", "critical"),
      schemaversion: fc.integer({ min: 1, max: 9 }),
      data: fc.dictionary(word, fc.jsonValue()),
    },
    { requiredKeys: ["specversion", "id", "source", "type", "data"] },
  )
  fc.assert(
    fc.property(cloudEvents, extensions, (known, others) => {
      const given = wired({ ...others, ...known })
      expect(wired(cloudEventOf(toEvent(draftOfCloudEvent(given))))).toMatchObject(given)
    }),
    { numRuns: 500 },
  )
})

test("converting an event to a CloudEvent and back loses nothing", () => {
  const keys = fc.oneof(
    fc.string(),
    fc.constantFrom("type", "source", "priority", "metadata", "schema_version", "time"),
  )
  const drafts = fc.record(
    {
      id: text,
      type: fc.constantFrom("voice", "custom"),
      name: fc.oneof(word, fc.constant("voice.x"), fc.constant("custom.custom")),
      payload: fc.dictionary(word, fc.jsonValue()),
      metadata: fc.dictionary(
        keys.filter((key) => key !== "__proto__"),
        fc.jsonValue(),
      ),
      priority: fc.constantFrom("low", "medium", "critical"),
      ordering_key: word,
      routing_key: word,
    },
    { requiredKeys: ["id", "type", "name", "payload", "metadata"] },
  )
  fc.assert(
    fc.property(drafts, (draft) => {
      const event = toEvent(wired(draft))
      const again = toEvent(draftOfCloudEvent(wired(cloudEventOf(event))))
      const { time, ...metadata } = again.metadata
      expect("time" in event.metadata ? { time, ...metadata } : metadata).toEqual(event.metadata)
      expect({ ...again, metadata: {} }).toEqual({ ...event, metadata: {} })
    }),
    { numRuns: 500 },
  )
})
