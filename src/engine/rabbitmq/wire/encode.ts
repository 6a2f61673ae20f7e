import type { AMQPMessage, AMQPProperties } from "@cloudamqp/amqp-client"
import type { Event } from "../../../event/envelope.ts"
import {
  type DeadLetterFailure,
  type FailureRecord,
  type RetryFailure,
  retriesOf,
} from "../../../event/failure.ts"
import { startedAgain } from "../../../event/lineage.ts"
import type { Origin } from "../../../event/origin.ts"
import { orderLevel } from "../../../event/priority.ts"
import { smallestBodyOf } from "./complete-foreign.ts"
import {
  APP_ID,
  bytesOf,
  isForeign,
  NOT_UTF_8,
  RETRY_COUNT,
  RETRY_OF,
  timestampOf,
  traceHeaders,
  traceOf,
  wholeText,
} from "./decode.ts"
import { encodeFailure, FAILURE } from "./failure-header.ts"
import type { EncodedField } from "./field-table.ts"
import { isOriginHeader, originHeaders, ownOriginOf } from "./origin-headers.ts"
import { withRetryCount } from "./retry-count-text.ts"
import { WireProperties } from "./wire-properties.ts"

const PERSISTENT = 2

/**
 * Most bytes of another program's headers that are stored again. Together with the failure record and the
 * other properties they fit in one frame.
 */
const MAX_KEPT_BYTES = 65_536

/** Headers that make the broker send a message to other queues too. */
const CARBON_COPIES = ["CC", "BCC"]

/**
 * Headers that brokers use to record a message's path. RabbitMQ 3 reads them from published messages, RabbitMQ 4
 * does not.
 */
const BROKER_HEADER = /^x-(death|(first|last)-death-.*|delivery-count|acquired-count)$/

/** A message to be published again. */
export interface Copy {
  readonly body: Uint8Array
  readonly properties: AMQPProperties
}

/** The completeness of a copy: everything that is kept, or the body and this service's own headers. */
export type CopyDetail = "full" | "minimal"

/** Returns the AMQP properties of an event. */
export function propertiesOf(event: Event, { trace = null, ...own }: Partial<Origin>): AMQPProperties {
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
      ...traceHeaders(trace),
      ...originHeaders(own),
    },
  }
}

/** Returns a copy for the next attempt on this queue, with the number of attempts and the last failure. */
export function retryOf(
  message: AMQPMessage,
  queue: string,
  failure: RetryFailure,
  detail: CopyDetail = "full",
): Copy {
  const headers = {
    [RETRY_COUNT]: failure.attempts,
    [RETRY_OF]: queue,
    [FAILURE]: failureText(failure, detail),
    ...originHeaders(ownOriginOf(message)),
  }
  // A count of more digits makes the body longer, perhaps too long.
  const body = detail === "full" ? countedBody(message, failure.attempts) : smallestBodyOf(message)
  return { body, properties: propertiesWith(message, headers, detail) }
}

/** Returns a copy for the dead letters: the event with its failure, and with the number of its retries. */
export function deadLetterOf(
  message: AMQPMessage,
  failure: DeadLetterFailure,
  detail: CopyDetail = "full",
): Copy {
  const headers = {
    [RETRY_COUNT]: failure.attempts,
    [FAILURE]: failureText(failure, detail),
    ...originHeaders(ownOriginOf(message)),
  }
  const retries = retriesOf(failure)
  const full = (): Uint8Array => (retries === 0 ? bytesOf(message) : countedBody(message, retries))
  const body = detail === "full" ? full() : smallestBodyOf(message)
  return { body, properties: propertiesWith(message, headers, detail) }
}

/** Returns a copy for its queue, as an event that was never tried and has no hops. */
export function redriveOf(message: AMQPMessage, detail: CopyDetail = "full"): Copy {
  const { lineage, replay } = ownOriginOf(message)
  const origin = originHeaders({ lineage: lineage && startedAgain(lineage), replay })
  const headers = { [RETRY_COUNT]: 0, ...origin }
  const body = detail === "full" ? countedBody(message, 0) : smallestBodyOf(message)
  return { body, properties: propertiesWith(message, headers, detail) }
}

/** Returns an event that replaces a dead letter on its queue: in the same trace, never tried, and without hops. */
export function editedOf(message: AMQPMessage, event: Event): Copy {
  const { lineage, replay } = ownOriginOf(message)
  const origin = { trace: traceOf(message), lineage: lineage && startedAgain(lineage), replay }
  return { body: new TextEncoder().encode(JSON.stringify(event)), properties: propertiesOf(event, origin) }
}

/** An error's text may be what RabbitMQ refuses for its size. */
const failureText = (failure: FailureRecord, detail: CopyDetail): string =>
  encodeFailure(detail === "full" ? failure : { ...failure, error: null })

/**
 * Returns the properties of a copy, from an allow-list. Never `expiration`, which would delete the copy,
 * `user_id`, which is another user's, or `reply_to`, because nobody waits for a reply any more and a direct
 * reply-to address closes the channel.
 */
function propertiesWith(
  message: AMQPMessage,
  own: Readonly<Record<string, string | number>>,
  detail: CopyDetail,
): AMQPProperties {
  const { messageId, priority, contentType, contentEncoding, correlationId, type, appId } = message.properties
  const timestampMs = timestampOf(message)
  const minimal = {
    ...texts({ messageId, ...(!isForeign(message) && { appId }) }),
    ...(priority !== undefined && { priority }),
    deliveryMode: PERSISTENT,
  }
  if (detail === "minimal") return { ...minimal, headers: { ...own } }
  return {
    ...minimal,
    ...texts({ contentType, contentEncoding, correlationId, type, appId }),
    ...(timestampMs !== null && { timestamp: new Date(timestampMs) }),
    headers: { ...keptHeaders(message), ...own },
  }
}

/** Returns the headers to keep, byte for byte, as many as there is room for. */
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
  name !== RETRY_OF &&
  !isOriginHeader(name) &&
  !name.includes(NOT_UTF_8)

const texts = (given: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const text = wholeText(value)
      return text === null ? [] : [[name, text]]
    }),
  )

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
