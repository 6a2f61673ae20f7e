import { expect, test } from "bun:test"
import fc from "fast-check"
import { draftOfCloudEvent } from "../../src/event/cloud-event.ts"
import { MalformedEventError } from "../../src/event/errors.ts"
import {
  type ForeignDefaults,
  type ForeignEvent,
  type ForeignMessage,
  readForeignEvent,
} from "../../src/event/foreign-event.ts"
import { completeEvent, decodeEvent, validateDraft } from "../../src/event/validate.ts"
import { newEvent } from "../support/new-event.ts"

const DEFAULTS: ForeignDefaults = { id: () => "made-of-the-message", timestampMs: () => 1_700_000_000_500 }

const PLAIN = { type: "voice", name: "call.ended", payload: { call_id: "c-1" } }

const CLOUD_EVENT = {
  specversion: "1.0",
  id: "c-1/ended",
  source: "/calls",
  type: "voice.call.ended",
  data: { call_id: "c-1" },
}

const message = (body: unknown, given: Partial<ForeignMessage> = {}): ForeignMessage => ({
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
  contentType: "",
  attributes: null,
  messageId: null,
  routingKey: null,
  timestampMs: null,
  ...given,
})

const read = (body: unknown, given: Partial<ForeignMessage> = {}): ForeignEvent =>
  readForeignEvent(message(body, given), DEFAULTS)

const structured = (cloudEvent: unknown, given: Partial<ForeignMessage> = {}): ForeignEvent =>
  read(cloudEvent, { contentType: "application/cloudevents+json; charset=UTF-8", ...given })

const { data: DATA, ...ATTRIBUTES } = CLOUD_EVENT

const binary = (attributes: Record<string, unknown>, given: Partial<ForeignMessage> = {}): ForeignEvent =>
  read(DATA, { attributes, contentType: "application/json", ...given })

test("type, name and payload are an event, with the defaults of a publish over HTTP", () => {
  expect(read(PLAIN).event).toEqual({
    id: "made-of-the-message",
    type: "voice",
    name: "call.ended",
    routing_key: "events.voice.call.ended",
    payload: { call_id: "c-1" },
    priority: "medium",
    metadata: {},
    timestamp: 1_700_000_000.5,
    status: "pending",
    retry_count: 0,
  })
})

test("any draft that HTTP takes becomes the event that HTTP makes of it", () => {
  const draft = fc.record(
    {
      id: fc.string({ minLength: 1, maxLength: 40 }).filter((id) => !/\p{Cc}/u.test(id)),
      type: fc.constantFrom("voice", "custom"),
      name: fc.constantFrom("tested", "a.b-c_d"),
      routing_key: fc.constantFrom("", "events.elsewhere"),
      payload: fc.dictionary(fc.string(), fc.jsonValue()),
      priority: fc.constantFrom("low", "critical"),
      metadata: fc.dictionary(fc.string(), fc.jsonValue()),
      ordering_key: fc.constantFrom("c-1", "grüezi"),
    },
    { requiredKeys: ["type", "name", "payload"] },
  )
  fc.assert(
    fc.property(draft, (given) => {
      const text = JSON.stringify(given)
      const overHttp = completeEvent(validateDraft(JSON.parse(text)), DEFAULTS.id, DEFAULTS.timestampMs())
      const foreign = read(text)
      expect(foreign.event).toEqual(overHttp)
      expect(decodeEvent(foreign.text ?? text)).toEqual(overHttp)
    }),
  )
})

test("id, topic and time are those of the message where the body has none", () => {
  const given = { messageId: "m-1", routingKey: "events.voice.elsewhere", timestampMs: 1_600_000_000_000 }
  expect(read(PLAIN, given).event).toMatchObject({
    id: "m-1",
    routing_key: "events.voice.elsewhere",
    timestamp: 1_600_000_000,
  })
  const full = newEvent({ id: "own", routing_key: "own.topic" })
  expect(read(full, given).event).toEqual(full)
})

test.each(["", "x".repeat(129), "a\nb", "\u007f", "ä".repeat(128)])(
  "a message id that no event can have (%j) counts as none",
  (messageId) => expect(read(PLAIN, { messageId }).event.id).toBe("made-of-the-message"),
)

test("a whole event stays as it was written, byte for byte", () => {
  expect(read(JSON.stringify(newEvent(), null, 2)).text).toBeNull()
})

test("numbers that JavaScript can't express stay as they were written", () => {
  const { text } = read(
    `${'{"type":"voice","name":"tested","payload":{"n":12345678901234567890,"m":1.10}}'} \n`,
  )
  expect(text).toStartWith(
    '{"type":"voice","name":"tested","payload":{"n":12345678901234567890,"m":1.10},"id":',
  )
  expect(decodeEvent(text ?? "").id).toBe("made-of-the-message")
})

test("what was completed once is not changed again", () => {
  const { text } = read(PLAIN, { messageId: "m-1" })
  expect(read(text ?? "", { messageId: "another", routingKey: "another", timestampMs: 1 })).toMatchObject({
    text: null,
    event: { id: "m-1", timestamp: 1_700_000_000.5 },
  })
})

test("a structured and a binary CloudEvent are the event that HTTP makes of them", () => {
  const attributes = { subject: "c-1", partitionkey: "c-1", priority: "high", region: "eu" }
  const cloudEvent = { ...CLOUD_EVENT, ...attributes }
  const overHttp = completeEvent(
    validateDraft(draftOfCloudEvent(cloudEvent)),
    DEFAULTS.id,
    DEFAULTS.timestampMs(),
  )
  expect(overHttp).toMatchObject({ id: "c-1/ended", name: "call.ended", ordering_key: "c-1" })
  for (const { event, text, isCloudEvent } of [
    structured(cloudEvent),
    binary({ ...ATTRIBUTES, ...attributes }),
  ]) {
    expect(event).toEqual(overHttp)
    expect(decodeEvent(text ?? "")).toEqual(overHttp)
    expect(isCloudEvent).toBe(true)
  }
})

test("a CloudEvent goes to the topic of its message, and is as old as its time says", () => {
  const time = "2024-02-29T12:00:00.25Z"
  const ofMessage = { routingKey: "calls", messageId: "not this" }
  expect(structured({ ...CLOUD_EVENT, time }, ofMessage).event).toMatchObject({
    id: "c-1/ended",
    routing_key: "calls",
    timestamp: Date.parse(time) / 1_000,
    metadata: { time },
  })
  expect(structured({ ...CLOUD_EVENT, time }, { timestampMs: 1_000 }).event.timestamp).toBe(1)
  expect(structured({ ...CLOUD_EVENT, routingkey: "own" }, ofMessage).event.routing_key).toBe("own")
})

test.each(["1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"])(
  "a CloudEvent whose time no event can have (%s) keeps it as metadata, as over HTTP",
  (time) => {
    const timestamp = DEFAULTS.timestampMs() / 1_000
    expect(structured({ ...CLOUD_EVENT, time }).event).toMatchObject({ timestamp, metadata: { time } })
  },
)

test("a binary CloudEvent without data has an empty payload, and its data needs no content type", () => {
  expect(read("", { attributes: ATTRIBUTES }).event.payload).toEqual({})
  expect(binary(ATTRIBUTES, { contentType: "" }).event.payload).toEqual(DATA)
  const contentType = "application/vnd.call+json; charset=utf-8"
  expect(binary(ATTRIBUTES, { contentType }).event.metadata).toEqual({
    source: "/calls",
    datacontenttype: contentType,
  })
})

const reasonOf = (readIt: () => ForeignEvent): string => {
  try {
    return JSON.stringify(readIt().event)
  } catch (error) {
    if (!(error instanceof MalformedEventError)) throw error
    return error.message
  }
}

test.each<readonly [() => ForeignEvent, string]>([
  [() => read("hello"), "the message is not JSON"],
  [() => read(""), "the message is not JSON"],
  [() => read("", { body: Uint8Array.of(0x22, 0xff, 0x22) }), "the message is not JSON in UTF-8"],
  [() => read([]), "the message is not an event: must be a JSON object"],
  [() => read("null"), "the message is not an event: must be a JSON object"],
  [
    () => read({ ...PLAIN, colour: "red" }),
    "the message is not an event: /colour is not a field of an event",
  ],
  [() => read({ ...PLAIN, type: "video" }), "the message is not an event: /type must be one of"],
  [() => read({ ...PLAIN, type: { toString: 1, valueOf: 1 } }), "the message is not an event: /type must be"],
  [() => read({ ...PLAIN, id: 7 }), "the message is not an event: /id must be a string"],
  [() => read({ ...PLAIN, id: null }), "the message is not an event: /id must be a string"],
  [() => read({ ...PLAIN, metadata: [] }), "the message is not an event: /metadata must be a JSON object"],
  [() => read({ ...PLAIN, status: "done" }), 'the message is not an event: /status must be "pending"'],
  [
    () => read({ ...PLAIN, timestamp: 1_700_000_000_000 }),
    "the message is not an event: /timestamp must be seconds since the epoch, from 1970 to 9999",
  ],
  [() => read({ ...PLAIN, timestamp: -1 }), "the message is not an event: /timestamp must be seconds since"],
  [() => read('{"type":"voice","name":"x","payload":{"n":1e400}}'), "A number is too large to be stored"],
  [() => read('{"type":"voice","name":"x","payload":{},"timestamp":1e400}'), "A number is too large"],
  [() => read(CLOUD_EVENT), "the message is not an event: "],
  [() => structured("[1]"), "the message is not a CloudEvent: must be a JSON object"],
  [
    () => structured({ ...CLOUD_EVENT, source: undefined }),
    "the message is not a CloudEvent: /source is required",
  ],
  [
    () => structured({ ...CLOUD_EVENT, id: "x".repeat(129) }),
    "the message is not a CloudEvent: /id must have",
  ],
  [
    () => structured({ ...CLOUD_EVENT, data: "text" }),
    "the message is not a CloudEvent: /data must be a JSON",
  ],
  [
    () => structured({ ...CLOUD_EVENT, type: "voice.a b" }),
    "the message is not a CloudEvent: /type must be words",
  ],
  [() => structured('{"data":{"n":1e400}}'), "A number is too large to be stored"],
  [
    () => read(CLOUD_EVENT, { contentType: "application/cloudevents+avro" }),
    "a message of the type application/cl",
  ],
  [
    () => read([CLOUD_EVENT], { contentType: "application/cloudevents-batch+json" }),
    "a message of the type appl",
  ],
  [() => binary({ specversion: "1.0" }), "the message is not a CloudEvent: /id is required"],
  [
    () => binary({ ...ATTRIBUTES, sequence: undefined }),
    "the message is not a CloudEvent: /sequence must be a string",
  ],
  [
    () => binary(ATTRIBUTES, { contentType: "text/plain" }),
    "the data of a CloudEvent must be JSON, and its type is te",
  ],
])("a message that is not an event is malformed, with the reason (%#)", (readIt, reason) => {
  expect(reasonOf(readIt)).toStartWith(reason)
})

test("no message makes reading fail with another error", () => {
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constantFrom(JSON.stringify(PLAIN), JSON.stringify(CLOUD_EVENT)),
  )
  const given = fc.record({
    contentType: fc.oneof(
      fc.string(),
      fc.constantFrom("application/cloudevents+json", "application/json", ""),
    ),
    attributes: fc.option(fc.dictionary(fc.string(), fc.anything())),
    messageId: fc.option(fc.string()),
    routingKey: fc.option(fc.string()),
    timestampMs: fc.option(fc.nat()),
  })
  fc.assert(
    fc.property(text, given, (body, rest) => expect(typeof reasonOf(() => read(body, rest))).toBe("string")),
    { numRuns: 2_000 },
  )
})

test.each(["application/json; charset=iso-8859-1", 'application/cloudevents+json; charset="latin1"'])(
  "a message in another charset than UTF-8 is malformed: %s",
  (contentType) => {
    const body = contentType.includes("cloudevents") ? CLOUD_EVENT : PLAIN
    expect(() => read(body, { contentType })).toThrow(
      /^the charset of the message is (iso-8859-1|latin1), and only UTF-8 is read$/,
    )
    expect(() => binary(ATTRIBUTES, { contentType: "application/json; charset=latin1" })).toThrow(
      MalformedEventError,
    )
  },
)
