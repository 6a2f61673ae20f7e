import type { AMQPMessage, AMQPProperties } from "@cloudamqp/amqp-client"
import type { Event } from "../../event/envelope.ts"
import type { FailureReason, FailureRecord } from "../../event/failure.ts"
import { orderLevel } from "../../event/priority.ts"
import { readTraceContext, type TraceContext } from "../../event/trace-context.ts"
import { decodeFailure } from "../failure-record.ts"
import { encodeFailure, FAILURE } from "./failure-header.ts"

const APP_ID = "event-broker"
const PERSISTENT = 2
const RETRY_COUNT = "x-retry-count"

/** What brokers write of a message's way. RabbitMQ 3 reads it off what a client publishes, RabbitMQ 4 does not. */
const BROKER_HEADER = /^x-(death|(first|last)-death-.*|delivery-count|acquired-count)$/

/** Why the broker itself dead-letters, as `x-death` has it. */
const DEATH_REASONS: Readonly<Record<string, FailureReason>> = { expired: "expired", maxlen: "overflow" }

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

function headersOf(trace: TraceContext | null): Record<string, string> {
  if (trace === null) return {}
  const { traceparent, tracestate } = trace
  return tracestate === null ? { traceparent } : { traceparent, tracestate }
}

/** The trace that a message was published in, by this service or another program. */
export function traceOf(message: AMQPMessage): TraceContext | null {
  const { traceparent, tracestate } = message.properties.headers ?? {}
  return readTraceContext(traceparent, tracestate)
}

/** Whether another program published it. */
export const isForeign = (message: AMQPMessage): boolean => message.properties.appId !== APP_ID

/** A message to be published again. */
export interface Copy {
  readonly body: Uint8Array
  readonly properties: AMQPProperties
}

/** For the next attempt on its queue: with the count of those before, and why the last one failed. */
export function retryOf(message: AMQPMessage, attempts: number, failure: FailureRecord): Copy {
  const headers = { [RETRY_COUNT]: attempts, [FAILURE]: encodeFailure(failure) }
  return { body: withRetryCount(bytesOf(message), attempts), properties: propertiesWith(message, headers) }
}

/** For the dead letters: the event as it was, with why it is there. */
export function deadLetterOf(message: AMQPMessage, failure: FailureRecord): Copy {
  return {
    body: bytesOf(message),
    properties: propertiesWith(message, { [FAILURE]: encodeFailure(failure) }),
  }
}

/** For its queue again, as an event that was never tried. */
export function redriveOf(message: AMQPMessage): Copy {
  const properties = propertiesWith(message, { [RETRY_COUNT]: 0 })
  const { [FAILURE]: _, ...headers } = properties.headers ?? {}
  return { body: withRetryCount(bytesOf(message), 0), properties: { ...properties, headers } }
}

function propertiesWith(message: AMQPMessage, own: Record<string, string | number>): AMQPProperties {
  const kept = Object.entries(message.properties.headers ?? {}).filter(([name]) => !BROKER_HEADER.test(name))
  return {
    ...message.properties,
    deliveryMode: PERSISTENT,
    headers: { ...Object.fromEntries(kept), ...own },
  }
}

/** The attempts that ended before this delivery: those that failed, and those that a crash cut short. */
export function attemptsBefore(message: AMQPMessage): number {
  const headers = message.properties.headers ?? {}
  const redeliveries = headers["x-delivery-count"] ?? (message.redelivered ? 1 : 0)
  return countOf(headers[RETRY_COUNT]) + countOf(redeliveries)
}

/** What is known of the last failure; where the broker itself dead-lettered it from the queue, its word. */
export function failureOf(message: AMQPMessage, queue: string): FailureRecord | null {
  const headers = message.properties.headers ?? {}
  const own = decodeFailure(headers[FAILURE])
  const deaths: unknown = headers["x-death"]
  // A retry has died in its delay tier; only what happened on the queue itself is a failure.
  const death = Array.isArray(deaths) ? deaths.find((each) => each?.queue === queue) : undefined
  const reason = DEATH_REASONS[String(death?.reason)]
  if (reason === undefined) return own
  const diedAt = death.time instanceof Date ? death.time.getTime() : 0
  return {
    reason,
    attempts: countOf(headers[RETRY_COUNT]),
    firstFailedAt: own?.firstFailedAt ?? diedAt,
    lastFailedAt: diedAt,
    error: own?.error ?? null,
    module: own?.module ?? null,
  }
}

export const bodyOf = (message: AMQPMessage): string => new TextDecoder().decode(bytesOf(message))

const bytesOf = (message: AMQPMessage): Uint8Array => message.body ?? new Uint8Array()

/** Other services read the count off the body. What is not an event stays as it is. */
function withRetryCount(body: Uint8Array, retryCount: number): Uint8Array {
  try {
    const event: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body))
    if (typeof event !== "object" || event === null || !("retry_count" in event)) return body
    return new TextEncoder().encode(JSON.stringify({ ...event, retry_count: retryCount }))
  } catch {
    // Not JSON: it goes on byte for byte, to be dead-lettered as malformed.
    return body
  }
}

function countOf(value: unknown): number {
  const count = Number(value)
  return Number.isInteger(count) && count > 0 ? count : 0
}
