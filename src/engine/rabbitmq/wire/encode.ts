import type { AMQPMessage, AMQPProperties } from "@cloudamqp/amqp-client"
import type { Event } from "../../../event/envelope.ts"
import type { FailureRecord } from "../../../event/failure.ts"
import { orderLevel } from "../../../event/priority.ts"
import type { TraceContext } from "../../../event/trace-context.ts"
import { encodeFailure, FAILURE } from "../failure-header.ts"
import { APP_ID, bytesOf, isForeign, RETRY_COUNT } from "./decode.ts"
import type { EncodedField } from "./field-table.ts"
import { withRetryCount } from "./retry-count-text.ts"
import { WireProperties } from "./wire-properties.ts"

const PERSISTENT = 2

/**
 * The most that the headers of another program may take when a message is stored again, in bytes. With the record of
 * the failure and the other properties they fit into one frame.
 */
const MAX_KEPT_BYTES = 65_536

/** The last second that a timestamp is kept of: that of the year 9999. A later one was not in seconds. */
const MAX_TIMESTAMP_MS = 253_402_300_799_000

/** Headers that make the broker send a message to other queues too. */
const CARBON_COPIES = ["CC", "BCC"]

/** What brokers write of a message's way. RabbitMQ 3 reads it off what a client publishes, RabbitMQ 4 does not. */
const BROKER_HEADER = /^x-(death|(first|last)-death-.*|delivery-count|acquired-count)$/

/** What stands for bytes that are not UTF-8. A text that has it is not what was sent. */
const NOT_UTF_8 = "\uFFFD"

/** A message to be published again. */
export interface Copy {
  readonly body: Uint8Array
  readonly properties: AMQPProperties
}

/** How much of a message a copy has: all that is kept, or the body and what this service itself has to know. */
export type CopyDetail = "full" | "minimal"

/** How an event travels. */
export function propertiesOf(event: Event, trace: TraceContext | null): AMQPProperties {
  return {
    messageId: event.id,
    type: `${event.type}.${event.name}`,
    contentType: "application/json",
    deliveryMode: PERSISTENT,
    priority: orderLevel(event),
    timestamp: new Date(event.timestamp * 1_000),
    appId: APP_ID,
    headers: {
      "x-event-type": event.type,
      "x-event-name": event.name,
      [RETRY_COUNT]: event.retry_count,
      ...headersOf(trace),
    },
  }
}

/** For the next attempt on its queue: with the count of those before, and why the last one failed. */
export function retryOf(
  message: AMQPMessage,
  attempts: number,
  failure: FailureRecord,
  detail: CopyDetail = "full",
): Copy {
  const headers = { [RETRY_COUNT]: attempts, [FAILURE]: failureText(failure, detail) }
  // A count of more digits makes the body longer, perhaps too long.
  const body = detail === "full" ? countedBody(message, attempts) : bytesOf(message)
  return { body, properties: propertiesWith(message, headers, detail) }
}

/** For the dead letters: the event as it was, with why it is there. */
export function deadLetterOf(
  message: AMQPMessage,
  failure: FailureRecord,
  detail: CopyDetail = "full",
): Copy {
  const headers = { [RETRY_COUNT]: failure.attempts, [FAILURE]: failureText(failure, detail) }
  return { body: bytesOf(message), properties: propertiesWith(message, headers, detail) }
}

/** For its queue again, as an event that was never tried. */
export function redriveOf(message: AMQPMessage, detail: CopyDetail = "full"): Copy {
  const body = detail === "full" ? countedBody(message, 0) : bytesOf(message)
  return { body, properties: propertiesWith(message, { [RETRY_COUNT]: 0 }, detail) }
}

function headersOf(trace: TraceContext | null): Record<string, string> {
  if (trace === null) return {}
  const { traceparent, tracestate } = trace
  return tracestate === null ? { traceparent } : { traceparent, tracestate }
}

/** An error's text may be what RabbitMQ refuses for its size. */
const failureText = (failure: FailureRecord, detail: CopyDetail): string =>
  encodeFailure(detail === "full" ? failure : { ...failure, error: null })

/**
 * The properties that a copy has: an allow-list. Never `expiration`, which would remove it, `user_id`, which is
 * another user's, or `reply_to`, because nobody waits for an answer any more and a direct reply-to address closes the
 * channel.
 */
function propertiesWith(
  message: AMQPMessage,
  own: Readonly<Record<string, string | number>>,
  detail: CopyDetail,
): AMQPProperties {
  const { messageId, priority, contentType, contentEncoding, correlationId, type, appId, timestamp } =
    message.properties
  const minimal = {
    ...texts({ messageId, ...(!isForeign(message) && { appId }) }),
    ...(priority !== undefined && { priority }),
    deliveryMode: PERSISTENT,
  }
  if (detail === "minimal") return { ...minimal, headers: { ...own } }
  return {
    ...minimal,
    ...texts({ contentType, contentEncoding, correlationId, type, appId }),
    ...(isInRange(timestamp) && { timestamp }),
    headers: { ...keptHeaders(message), ...own },
  }
}

/** The headers that travel along, byte for byte, as many as there is room for. */
function keptHeaders({ properties }: AMQPMessage): Record<string, EncodedField> {
  const kept: Record<string, EncodedField> = Object.create(null)
  if (!(properties instanceof WireProperties)) return kept
  let room = MAX_KEPT_BYTES
  for (const [name, field] of properties.encodedHeaders()) {
    if (!isKept(name)) continue
    const size = 1 + Buffer.byteLength(name) + field.length
    if (size > room) continue
    room -= size
    kept[name] = field
  }
  return kept
}

const isKept = (name: string): boolean =>
  !CARBON_COPIES.includes(name) &&
  !BROKER_HEADER.test(name) &&
  name !== FAILURE &&
  name !== RETRY_COUNT &&
  !name.includes(NOT_UTF_8)

const texts = (given: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, text]) =>
      text === undefined || text.includes(NOT_UTF_8) ? [] : [[name, text]],
    ),
  )

const isInRange = (timestamp: Date | undefined): boolean =>
  timestamp !== undefined && timestamp.getTime() >= 0 && timestamp.getTime() <= MAX_TIMESTAMP_MS

/** Other services read the count off the body. What is not JSON stays as it is, to be dead-lettered as malformed. */
function countedBody(message: AMQPMessage, retryCount: number): Uint8Array {
  const bytes = bytesOf(message)
  try {
    const json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
    JSON.parse(json)
    return new TextEncoder().encode(withRetryCount(json, retryCount))
  } catch {
    // Not UTF-8 or not JSON: there is no count to write.
    return bytes
  }
}
