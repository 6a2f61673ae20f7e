/**
 * Events that another program put on the broker by itself. What the envelope leaves out gets the defaults of a publish
 * over HTTP; CloudEvents are translated as they are over HTTP.
 */
import { draftOfCloudEvent, inCloudEvent } from "./cloud-event.ts"
import { type Event, isEventId, isTimestampMs } from "./envelope.ts"
import { EventInvalidError, MalformedEventError } from "./errors.ts"
import { checkJsonNumbers, checkJsonShape, isJsonObject, JsonTextError, parseJsonText } from "./json-text.ts"
import { CLOUD_EVENT, foreignCharset, isJsonType, mediaTypeIn } from "./media-type.ts"
import { DEFAULT_PRIORITY } from "./priority.ts"
import { defaultRoutingKey } from "./routing-space.ts"
import { timestampMs } from "./timestamp-text.ts"
import { requireEvent } from "./validate.ts"

type Fields = Readonly<Record<string, unknown>>
type CloudEventDraft = ReturnType<typeof draftOfCloudEvent>

/** A message, as far as it says something about an event. */
export interface ForeignMessage {
  readonly body: Uint8Array
  /** Empty if none is given. */
  readonly contentType: string
  /** The attributes of a CloudEvent in binary mode, whose data is the body; null if it has none. */
  readonly attributes: Fields | null
  /** The id that the message has beside the body. One that no event can have counts as none. */
  readonly messageId: string | null
  /** The topic that it was published to; null if it went to a queue directly. */
  readonly routingKey: string | null
  /** When it was published, in milliseconds since the epoch; null if nobody said. */
  readonly timestampMs: number | null
}

/** Gives what no message says. Each is called only if it is needed, and has to give the same for the same message. */
export interface ForeignDefaults {
  readonly id: () => string
  readonly timestampMs: () => number
}

export interface ForeignEvent {
  readonly event: Event
  /** The event as JSON text, null if the body is that. What the body has of it stays as it was written. */
  readonly text: string | null
  readonly isCloudEvent: boolean
}

/** Begins the content type of every CloudEvent in structured mode, whatever its format. */
const STRUCTURED = "application/cloudevents"

/** Refuses bytes that are not UTF-8. By default a decoder replaces them silently. */
const UTF8 = new TextDecoder("utf-8", { fatal: true })

/** @throws {MalformedEventError} with the reason, if the message is no event. */
export function readForeignEvent(message: ForeignMessage, defaults: ForeignDefaults): ForeignEvent {
  const charset = foreignCharset(message.contentType)
  if (charset !== null) {
    throw new MalformedEventError(`the charset of the message is ${charset}, and only UTF-8 is read`)
  }
  const draft = readCloudEvent(message)
  if (draft !== null) {
    const timestampMs = message.timestampMs ?? timeOf(draft.metadata)
    const fields = { ...draft, ...missingOf(draft, { ...message, timestampMs }, defaults) }
    const event = requireEvent(fields, "a CloudEvent", inCloudEvent)
    return { event, text: JSON.stringify(event), isCloudEvent: true }
  }
  const text = textOf(message.body)
  const fields = readObject(text)
  const missing = missingOf(fields, message, defaults)
  const event = requireEvent({ ...fields, ...missing })
  return { event, text: withFields(text, missing), isCloudEvent: false }
}

/** Returns the draft of a CloudEvent, or null if the message does not claim to be one. */
function readCloudEvent({ body, contentType, attributes }: ForeignMessage): CloudEventDraft | null {
  const mediaType = mediaTypeIn(contentType)
  if (mediaType.startsWith(STRUCTURED)) {
    if (mediaType === CLOUD_EVENT) return draftOf(parse(textOf(body)))
    throw new MalformedEventError(`a message of the type ${mediaType} is not taken; ${CLOUD_EVENT} is`)
  }
  if (attributes === null) return null
  if (!isJsonType(mediaType)) {
    throw new MalformedEventError(`the data of a CloudEvent must be JSON, and its type is ${mediaType}`)
  }
  return draftOf({
    ...attributes,
    ...(contentType !== "" && { datacontenttype: contentType }),
    ...(body.length > 0 && { data: parse(textOf(body)) }),
  })
}

function draftOf(cloudEvent: unknown): CloudEventDraft {
  try {
    return draftOfCloudEvent(cloudEvent)
  } catch (cause) {
    if (!(cause instanceof EventInvalidError)) throw cause
    throw new MalformedEventError(`the message is not a CloudEvent: ${cause.message}`, { cause })
  }
}

/** Reads a whole value, within the bounds of one that is sent over HTTP. */
const parse = (text: string): unknown => inMessage(() => parseJsonText(text, "the message"))

/** Reads the fields of an object. Its text is kept, so a number may have more digits than JavaScript can express. */
function readObject(text: string): Fields {
  inMessage(() => checkJsonShape(text, "the message"))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new MalformedEventError("the message is not JSON", { cause })
  }
  inMessage(() => checkJsonNumbers(text, value))
  if (isJsonObject(value)) return value
  throw new MalformedEventError("the message is not an event: must be a JSON object")
}

function inMessage<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof JsonTextError)) throw cause
    throw new MalformedEventError(cause.message, { cause })
  }
}

function textOf(body: Uint8Array): string {
  try {
    return UTF8.decode(body)
  } catch (cause) {
    throw new MalformedEventError("the message is not JSON in UTF-8", { cause })
  }
}

/** The fields that are not given, with their defaults. An empty routing key counts as none, as over HTTP. */
function missingOf(given: Fields, message: ForeignMessage, defaults: ForeignDefaults): Fields {
  const { messageId, routingKey, timestampMs } = message
  const isMissing = (name: string): boolean => !Object.hasOwn(given, name)
  return {
    ...(isMissing("id") && { id: messageId !== null && isEventId(messageId) ? messageId : defaults.id() }),
    ...((isMissing("routing_key") || given["routing_key"] === "") && {
      routing_key: routingKey || defaultKeyOf(given),
    }),
    ...(isMissing("priority") && { priority: DEFAULT_PRIORITY }),
    ...(isMissing("metadata") && { metadata: {} }),
    ...(isMissing("timestamp") && {
      timestamp: (timestampMs ?? defaults.timestampMs()) / 1_000,
    }),
    ...(isMissing("status") && { status: "pending" }),
    ...(isMissing("retry_count") && { retry_count: 0 }),
  }
}

/** Empty if the type or the name is none, which makes the message malformed. */
const defaultKeyOf = ({ type, name }: Fields): string =>
  typeof type === "string" && typeof name === "string" ? defaultRoutingKey(type, name) : ""

/**
 * The `time` of a CloudEvent, in milliseconds since the epoch; null if it has none, or one that no event can have: what
 * happened before 1970 is a CloudEvent, and keeps its `time` as metadata.
 */
function timeOf({ time }: Fields): number | null {
  const ms = typeof time === "string" ? timestampMs(time) : Number.NaN
  return isTimestampMs(ms) ? ms : null
}

/** Writes fields behind those of an object that is JSON text: the last of two fields of one name counts. */
function withFields(text: string, fields: Fields): string | null {
  if (Object.keys(fields).length === 0) return null
  return `${text.slice(0, text.lastIndexOf("}"))},${JSON.stringify(fields).slice(1)}`
}
