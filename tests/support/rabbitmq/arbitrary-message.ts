import fc from "fast-check"
import { newEvent } from "../new-event.ts"
import type { ForeignField, ForeignProperties } from "./foreign-fields.ts"

/**
 * A message of another program. `id` is in its body, and names the event if it is one; null: the body has no
 * id.
 */
export interface ArbitraryMessage {
  readonly id: string | null
  readonly body: Uint8Array
  readonly properties: ForeignProperties
}

const bytes = (maxLength: number) =>
  fc.oneof(fc.string({ maxLength, unit: "binary" }), fc.uint8Array({ maxLength }))

/** Short strings of at most 255 bytes, also with invalid UTF-8. */
const shortText = fc
  .oneof(fc.string({ maxLength: 60 }), fc.uint8Array({ maxLength: 255 }))
  .map((text) => Buffer.from(text as string))

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

const { field } = fc.letrec<{ field: ForeignField }>((tie) => ({
  field: fc.oneof(
    { maxDepth: 3 },
    fc.record({ type: fc.constant("t" as const), value: fc.nat(1) }),
    fc.record({ type: fc.constantFrom("b" as const, "s" as const, "I" as const), value: fc.integer() }),
    fc.record({
      type: fc.constantFrom("B" as const, "u" as const, "i" as const),
      value: fc.nat(2 ** 32 - 1),
    }),
    fc.record({
      type: fc.constantFrom("f" as const, "d" as const),
      value: fc.double({ noNaN: true, noDefaultInfinity: true, min: -3e38, max: 3e38 }),
    }),
    fc.record({ type: fc.constantFrom("l" as const, "T" as const), value: int64 }),
    fc.record({ type: fc.constant("D" as const), scale: fc.nat(255), value: fc.nat(2 ** 31 - 1) }),
    fc.record({ type: fc.constantFrom("S" as const, "x" as const), value: bytes(200) }),
    fc.record({ type: fc.constant("V" as const) }),
    fc.record({ type: fc.constant("A" as const), value: fc.array(tie("field"), { maxLength: 5 }) }),
    fc.record({
      type: fc.constant("F" as const),
      value: fc.array(fc.tuple(fc.string({ maxLength: 20 }), tie("field")), { maxLength: 5 }),
    }),
  ),
}))

/**
 * Names of headers that this service or RabbitMQ reads. RabbitMQ itself refuses a `CC` that is not a list.
 */
const READ_NAMES = [
  "x-retry-count",
  "x-failure",
  "x-delivery-count",
  "x-acquired-count",
  "x-event-type",
  "traceparent",
  "tracestate",
  "constructor",
  "__proto__",
]

const header = fc.oneof(
  fc.tuple(
    fc.string({ maxLength: 40 }).filter((name) => !/^([CB]CC?|x-death)$/.test(name)),
    field,
  ),
  fc.tuple(fc.constantFrom(...READ_NAMES), field),
  fc.tuple(
    fc.constantFrom("CC", "BCC"),
    fc.constant<ForeignField>({ type: "A", value: [{ type: "S", value: "copies.one" }] }),
  ),
)

/** Nearly as much as fits in a frame. */
const wideHeaders = fc
  .nat(120)
  .map((kib) =>
    Array.from({ length: kib }, (_, at) => [`wide-${at}`, { type: "S", value: "x".repeat(1_000) }] as const),
  )

const properties: fc.Arbitrary<ForeignProperties> = fc.record(
  {
    contentType: shortText,
    contentEncoding: shortText,
    headers: fc.oneof(
      { weight: 20, arbitrary: fc.array(header, { maxLength: 8 }) },
      { weight: 1, arbitrary: wideHeaders },
    ),
    deliveryMode: fc.constantFrom(1, 2),
    priority: fc.nat(255),
    correlationId: shortText,
    replyTo: fc.oneof(shortText, fc.constant("amq.rabbitmq.reply-to.nobody")),
    expiration: fc.constantFrom("0", "1", "4000", "4294967295"),
    messageId: shortText,
    timestamp: fc.oneof(
      int64,
      fc.constantFrom(1_700_000_000n, 1_700_000_000_000n, 1_700_000_000_000_000_000n),
    ),
    type: shortText,
    userId: fc.constant("other"),
    appId: fc.oneof(shortText, fc.constant("event-broker")),
  },
  { requiredKeys: [] },
)

const DEPTHS = [99, 150, 5_000, 50_000, 100_000]

/** Larger than a frame; a few are many times as large. */
const LARGE_BYTES = 300_000
const HUGE_BYTES = 2_000_000

const hugeLength = fc.oneof(
  { weight: 6, arbitrary: fc.nat(LARGE_BYTES) },
  { weight: 1, arbitrary: fc.nat(HUGE_BYTES) },
)

/** The text of an event's payload. */
const payload = fc.oneof(
  { weight: 20, arbitrary: fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...DEPTHS).map((depth) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`),
  },
  { weight: 1, arbitrary: hugeLength.map((length) => `{"huge":"${"x".repeat(length)}"}`) },
)

const timestamp = fc.oneof(
  { weight: 4, arbitrary: fc.constant("1700000000.5") },
  { weight: 1, arbitrary: fc.constantFrom("1e300", "-1e15", "1700000000000", "1e400", "-0") },
)

/** Writes the body of a message, and the properties without which it would be another event, or none. */
type Write = (id: string) => { readonly body: Uint8Array; readonly properties?: ForeignProperties }

const name = fc.constantFrom("good", "flaky", "bad", "nobodys")

/** An event as this service stores it. */
const whole: fc.Arbitrary<Write> = fc.tuple(name, payload, timestamp).map(([given, text, time]) => (id) => {
  const json = JSON.stringify(newEvent({ id, name: given }))
    .replace('"payload":{}', () => `"payload":${text}`)
    .replace(/"timestamp":[^,}]+/, `"timestamp":${time}`)
  return { body: Buffer.from(json) }
})

const TEXT = (value: string): ForeignField => ({ type: "S", value })

/** A message as other programs publish it: an event without most of its fields, or a CloudEvent. The payload has the id, too. */
const draft: fc.Arbitrary<Write> = fc
  .tuple(name, payload, fc.constantFrom("id", "message id", "structured", "cloudEvents:", "cloudEvents_"))
  .map(([given, text, form]) => (id) => {
    const data = `{"of":"${id}","value":${text}}`
    const attributes = { specversion: "1.0", id, source: "/other", type: `custom.${given}` }
    switch (form) {
      case "id":
        return { body: Buffer.from(`{"type":"custom","name":"${given}","payload":${data},"id":"${id}"}`) }
      case "message id":
        return {
          body: Buffer.from(`{"type":"custom","name":"${given}","payload":${data}}`),
          properties: { messageId: id },
        }
      case "structured":
        return {
          body: Buffer.from(`${JSON.stringify(attributes).slice(0, -1)},"data":${data}}`),
          properties: { contentType: "application/cloudevents+json" },
        }
      default:
        return {
          body: Buffer.from(data),
          properties: {
            contentType: "application/json",
            headers: Object.entries(attributes).map(([key, value]) => [`${form}${key}`, TEXT(value)]),
          },
        }
    }
  })

const noEvent = (body: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Write> =>
  body.map((bytesOfBody) => () => ({ body: bytesOfBody }))

const content = fc.oneof(
  { weight: 4, arbitrary: whole.map((write) => ({ write, hasId: true })) },
  { weight: 4, arbitrary: draft.map((write) => ({ write, hasId: true })) },
  {
    weight: 2,
    arbitrary: noEvent(fc.json().map((text) => Buffer.from(text))).map((write) => ({ write, hasId: false })),
  },
  {
    weight: 2,
    arbitrary: noEvent(fc.uint8Array({ maxLength: 500 })).map((write) => ({ write, hasId: false })),
  },
)

/** Generates a message with an id in its body, if its body has one. */
export const arbitraryMessage: fc.Arbitrary<(id: string) => ArbitraryMessage> = fc
  .tuple(content, properties)
  .map(([{ write, hasId }, given]) => (id: string) => {
    const { body, properties: needed } = write(id)
    const headers = [...(given.headers ?? []), ...(needed?.headers ?? [])]
    const { appId, ...rest } = given
    return {
      id: hasId ? id : null,
      body,
      properties: {
        // What claims to be this service's own has to be whole.
        ...(needed === undefined ? given : rest),
        ...needed,
        ...(headers.length > 0 && { headers }),
      },
    }
  })
