/**
 * The event envelope: the only definition of an event. It validates events from HTTP, from handlers and from
 * the engine, and OpenAPI and AsyncAPI show its JSON Schema.
 */
import * as v from "valibot"
import { maxCharacters } from "./characters.ts"
import { EVENT_TYPES } from "./event-type.ts"
import { isJsonObject } from "./json-text.ts"
import { DEFAULT_PRIORITY, PRIORITIES } from "./priority.ts"
import { MAX_RETRY_COUNT } from "./retry-bounds.ts"
import { didYouMean } from "./suggestion.ts"

/** Longest `id` and `name`, in characters. */
export const MAX_NAME_LENGTH = 128

/**
 * Longest `id` and `routing_key`, in bytes of UTF-8: AMQP sends both as short strings, with a length of one
 * byte.
 * Source: AMQP 0-9-1, section 4.2.5.3.
 */
export const MAX_SHORT_STRING_BYTES = 255

/**
 * The last second of the year 9999. A later timestamp is one in milliseconds, or has no RFC 3339 text, which the
 * live stream needs.
 */
export const MAX_TIMESTAMP = 253_402_300_799

/** The bounds of a timestamp in milliseconds since the epoch. */
export const MAX_TIMESTAMP_MS = MAX_TIMESTAMP * 1_000

const TIMESTAMP_RANGE = "must be seconds since the epoch, from 1970 to 9999"

export const NAME_PATTERN = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/

const isShortString = (text: string): boolean =>
  text.isWellFormed() && Buffer.byteLength(text) <= MAX_SHORT_STRING_BYTES

/**
 * A JSON object with all of its keys. valibot's `record` accepts arrays and silently drops keys such as
 * `__proto__`.
 */
const jsonObject = v.custom<Record<string, unknown>>(isJsonObject, "must be a JSON object")

const id = v.pipe(
  v.string("must be a string"),
  v.minLength(1, "must have at least 1 character"),
  maxCharacters(MAX_NAME_LENGTH),
  v.check((text) => !CONTROL_CHARACTER.test(text), "must have no control characters"),
  v.check(isShortString, `must be well-formed and at most ${MAX_SHORT_STRING_BYTES} bytes of UTF-8`),
  v.description(
    "Unique id of the event. Default: a new UUIDv7. When you repeat a publish, send the same id.",
  ),
)

const type = v.pipe(
  v.picklist(
    EVENT_TYPES,
    ({ input }) =>
      `must be one of ${EVENT_TYPES.join(", ")}${typeof input === "string" ? didYouMean(input, EVENT_TYPES) : ""}`,
  ),
  v.description("Kind of event. Sets the default routing key, and with it the predefined queue."),
)

const name = v.pipe(
  v.string("must be a string"),
  v.maxLength(MAX_NAME_LENGTH, `must have at most ${MAX_NAME_LENGTH} characters`),
  v.regex(NAME_PATTERN, "must be words of letters, digits, _ and -, joined by dots"),
  v.description(
    "Name of what happened, within the type: words of letters, digits, `_` and `-`, joined by dots.",
  ),
)

const routingKey = v.pipe(
  v.string("must be a string"),
  v.check(isShortString, `must be well-formed and at most ${MAX_SHORT_STRING_BYTES} bytes of UTF-8`),
  v.description(
    `Topic, at most ${MAX_SHORT_STRING_BYTES} bytes of UTF-8. Default, also when empty: \`events.<type>.<name>\`.`,
  ),
)

const payload = v.pipe(jsonObject, v.description("Content of the event. Handlers receive it unchanged."))

const priority = v.pipe(
  v.picklist(PRIORITIES, `must be one of ${PRIORITIES.join(", ")}`),
  v.description("Events with a higher priority are delivered first. Default: `medium`."),
)

const orderingKey = v.pipe(
  v.string("must be a string"),
  v.minLength(1, "must have at least 1 character"),
  maxCharacters(MAX_NAME_LENGTH),
  v.check((text) => text.isWellFormed(), "must be well-formed"),
  v.description(
    "Events of one queue with the same key, for example the id of a call, are handled one at a time, in the order they were " +
      "published. The priority of such an event has no effect.",
  ),
)

const metadata = v.pipe(
  jsonObject,
  v.description(
    "Data about the event, such as `schema_version`, a session or a source. Default: an empty object.",
  ),
)

/** The event that a client or a handler publishes. Other fields are rejected. */
export const EventDraftSchema = v.strictObject(
  {
    id: v.optional(id),
    type,
    name,
    routing_key: v.optional(routingKey),
    payload,
    priority: v.optional(priority, DEFAULT_PRIORITY),
    metadata: v.optional(metadata, () => ({})),
    ordering_key: v.exactOptional(orderingKey),
  },
  explainObject,
)

/**
 * An event as it is stored and delivered: the draft with its defaults and the fields that the service sets.
 */
export const EventSchema = v.strictObject(
  {
    id,
    type,
    name,
    routing_key: routingKey,
    payload,
    priority,
    metadata,
    timestamp: v.pipe(
      v.number("must be a number"),
      v.minValue(0, TIMESTAMP_RANGE),
      v.maxValue(MAX_TIMESTAMP, TIMESTAMP_RANGE),
      v.description("Time when the service accepted the event, in seconds since the epoch, fractional."),
    ),
    status: v.pipe(
      v.literal("pending", 'must be "pending"'),
      v.description("`pending` when the event is stored."),
    ),
    retry_count: v.pipe(
      v.number("must be a number"),
      v.integer("must be a whole number"),
      v.minValue(0, "must not be negative"),
      v.maxValue(MAX_RETRY_COUNT, `must be at most ${MAX_RETRY_COUNT}`),
      v.description("Number of retries: 0 on the first attempt."),
    ),
    ordering_key: v.exactOptional(orderingKey),
  },
  explainObject,
)

/** Returns true if a text can be the id of an event. */
export const isEventId = (text: string): boolean => v.is(id, text)

/** Returns true if a time, in milliseconds since the epoch, can be the timestamp of an event. */
export const isTimestampMs = (ms: number): boolean => ms >= 0 && ms <= MAX_TIMESTAMP_MS

/** Returns true if a value can be the number of retries of an event. */
export const isRetryCount = (value: unknown): boolean => v.is(EventSchema.entries.retry_count, value)

/** The published event, before defaults are filled in. */
export type EventDraft = v.InferInput<typeof EventDraftSchema>

/** A valid draft, with its defaults filled in. */
export type ValidDraft = v.InferOutput<typeof EventDraftSchema>

/** A stored event: ten fields, and the ordering key if it has one. */
export type Event = v.InferOutput<typeof EventSchema>

function explainObject(issue: v.StrictObjectIssue): string {
  if (issue.path === undefined) return "must be a JSON object"
  if (issue.expected === "never") return "is not a field of an event"
  return issue.received === "undefined" ? "is required" : "must be a JSON object"
}
