import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { MARKS } from "../../../event/cloud-event-attributes.ts"
import { type Event, isEventId } from "../../../event/envelope.ts"
import { MalformedEventError } from "../../../event/errors.ts"
import { type ForeignEvent, readForeignEvent } from "../../../event/foreign-event.ts"
import { JSON_TYPE } from "../../../event/media-type.ts"
import { orderLevel } from "../../../event/priority.ts"
import { readTraceContext, type TraceContext } from "../../../event/trace-context.ts"
import { bytesOf, headersOf, isForeign, timestampOf, traceHeaders, traceOf, wholeText } from "./decode.ts"
import { type EncodedField, textField } from "./field-table.ts"
import { WireProperties } from "./wire-properties.ts"

/** The origin of a message, as far as the message itself does not tell it. */
export interface Origin {
  /** The topic that it was published to; null if it went to a queue directly. */
  readonly topic: string | null
  /** When it was published at the latest, in milliseconds since the epoch, given what its content comes to. */
  readonly timestampMs: (fingerprint: string) => number
}

/** Namespace of the ids that are derived from a message's content. Another one would give every event another id. */
const NAMESPACE = "4f0c1c26-5b8e-4f6e-9d0b-7a1b5c1d3e2f"

/** The bodies of messages that were completed, as they came. */
const ORIGINALS = new WeakMap<AMQPMessage, Uint8Array>()

/** Prefixes of the headers with a CloudEvent's attributes. Source: AMQP Protocol Binding for CloudEvents, v1.0.3. */
const ATTRIBUTE = /^cloudEvents[:_]/

/**
 * Makes a message of another program one that this service could have published, where it is an event with the defaults
 * of a publish, or a CloudEvent. Changes the message itself: its copies for retries and dead letters then have all of
 * the event. A message of this service, and a message that is not an event, stays unchanged.
 * @param originOf called for a message of another program only
 * @returns why it is not an event; null if it is one, or if this service published it.
 */
export function completeForeign(
  message: AMQPMessage,
  originOf: (message: AMQPMessage) => Origin,
): MalformedEventError | null {
  if (!isForeign(message)) return null
  try {
    complete(message, originOf(message))
    return null
  } catch (error) {
    if (error instanceof MalformedEventError) return error
    // Messages arrive in a callback that nobody guards.
    return new MalformedEventError(`the message can't be read: ${String(error)}`, { cause: error })
  }
}

function complete(message: AMQPMessage, { topic, timestampMs }: Origin): void {
  const { contentType = "", messageId } = message.properties
  let fingerprint: string | null = null
  const fingerprintOnce = (): string => {
    fingerprint ??= fingerprintOf(message, topic)
    return fingerprint
  }
  const attributes = attributesOf(message)
  const foreign = readForeignEvent(
    {
      body: bytesOf(message),
      contentType,
      attributes,
      messageId: wholeText(messageId),
      routingKey: topic,
      timestampMs: timestampOf(message),
    },
    { id: fingerprintOnce, timestampMs: () => timestampMs(fingerprintOnce()) },
  )
  if (foreign.text !== null) {
    if (!foreign.isCloudEvent) ORIGINALS.set(message, bytesOf(message))
    message.body = Buffer.from(foreign.text)
  }
  completeProperties(message, foreign)
}

/**
 * The body without what it was completed with, for a copy that RabbitMQ refuses as too large; with its id beside it, it
 * is the same event again. A CloudEvent in binary mode is none without its headers, so its body is the whole event.
 */
export const smallestBodyOf = (message: AMQPMessage): Uint8Array => ORIGINALS.get(message) ?? bytesOf(message)

/**
 * A UUID of what the message says and where it was published: the same for each of its copies and deliveries, at every
 * instance. RabbitMQ changes headers and other properties on the way.
 */
function fingerprintOf(message: AMQPMessage, topic: string | null): string {
  const { messageId, correlationId } = message.properties
  const said = JSON.stringify([topic, messageId, correlationId, timestampOf(message)])
  return Bun.randomUUIDv5(Buffer.concat([Buffer.from(said), bytesOf(message)]), NAMESPACE)
}

/** The attributes of a CloudEvent in binary mode, null if there are none. */
function attributesOf(message: AMQPMessage): Readonly<Record<string, unknown>> | null {
  // Without a prototype: an attribute may be called `__proto__`.
  const attributes: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(headersOf(message))) {
    if (ATTRIBUTE.test(name)) attributes[name.replace(ATTRIBUTE, "")] = attributeOf(value)
  }
  return MARKS.some((name) => Object.hasOwn(attributes, name)) ? attributes : null
}

/** The canonical string of a timestamp or of bytes; any other value as it is. Source: CloudEvents, "Type System". */
function attributeOf(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value
}

/** Keeps the properties and headers, except a CloudEvent's attributes, which are in the body now. */
function completeProperties(message: AMQPMessage, { event, isCloudEvent }: ForeignEvent): void {
  const { properties } = message
  if (!(properties instanceof WireProperties)) return
  const isWithoutTime = timestampOf(message) === null
  message.properties = properties.with(
    {
      ...(isCloudEvent && { contentType: JSON_TYPE }),
      ...(!isEventId(wholeText(properties.messageId) ?? "") && { messageId: event.id }),
      ...(properties.priority === undefined && { priority: orderLevel(event) }),
      ...(isWithoutTime && { timestamp: new Date(event.timestamp * 1_000) }),
    },
    isCloudEvent ? headersWithout(ATTRIBUTE, properties, traceIn(message, event)) : null,
  )
}

/** The trace that a CloudEvent names, unless its message names one, as over HTTP. */
function traceIn(message: AMQPMessage, { metadata }: Event): TraceContext | null {
  const { traceparent, tracestate } = metadata
  return traceOf(message) === null ? readTraceContext(traceparent, tracestate) : null
}

const headersWithout = (
  pattern: RegExp,
  properties: WireProperties,
  trace: TraceContext | null,
): readonly (readonly [string, EncodedField])[] => [
  ...[...properties.encodedHeaders()].filter(([name]) => !pattern.test(name)),
  ...Object.entries(traceHeaders(trace)).map(([name, value]) => [name, textField(value)] as const),
]
