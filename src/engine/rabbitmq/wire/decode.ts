import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { isTimestampMs } from "../../../event/envelope.ts"
import type { DeadLetterFailure, DeadLetterReason, RetryFailure } from "../../../event/failure.ts"
import { MAX_RETRY_COUNT } from "../../../event/retry-bounds.ts"
import { readTraceContext, type TraceContext } from "../../../event/trace-context.ts"
import { decodeDeadLetterFailure, decodeRetryFailure } from "../../failure-record.ts"
import { FAILURE } from "./failure-header.ts"

/** The app id of messages from this service. */
export const APP_ID = "event-broker"

/** Header with the number of failed attempts. */
export const RETRY_COUNT = "x-retry-count"

/**
 * Header that only a retry has: the name of its queue. A program that moves or copies messages takes their headers
 * along, so the count of attempts alone says nothing about this queue.
 */
export const RETRY_OF = "x-retry-of"

const DECODER = new TextDecoder()

/** Replaces invalid UTF-8. A text that contains it differs from what was sent. */
export const NOT_UTF_8 = "\uFFFD"

/** Why the broker itself dead-letters, in the words of `x-death`. */
const DEATH_REASONS: ReadonlyMap<unknown, DeadLetterReason> = new Map([
  ["expired", "expired"],
  ["maxlen", "overflow"],
  ["rejected", "rejected"],
])

/** Returns the bytes of a message's body. */
export const bytesOf = (message: AMQPMessage): Uint8Array => message.body ?? new Uint8Array()

/** Returns the body as text. Invalid UTF-8 becomes U+FFFD. */
export const bodyOf = (message: AMQPMessage): string => DECODER.decode(bytesOf(message))

/** Returns whether another program published the message. */
export const isForeign = (message: AMQPMessage): boolean => message.properties.appId !== APP_ID

/** When another program says that it published a message, in milliseconds since the epoch; null if that is not a time. */
export function timestampOf({ properties }: AMQPMessage): number | null {
  const ms = properties.timestamp?.getTime() ?? -1
  return isTimestampMs(ms) ? ms : null
}

/** The trace that a message was published in, by this service or another program. */
export function traceOf(message: AMQPMessage): TraceContext | null {
  const { traceparent, tracestate } = headersOf(message)
  return readTraceContext(traceparent, tracestate)
}

/** The headers of a trace. */
export function traceHeaders(trace: TraceContext | null): Record<string, string> {
  if (trace === null) return {}
  const { traceparent, tracestate } = trace
  return tracestate === null ? { traceparent } : { traceparent, tracestate }
}

/**
 * Returns whether a message is a retry that this service stored for the queue.
 * @param exchange to which it was published: a retry is published to its queue by name, or comes from its delay tier,
 * which forwards it by name
 */
const isRetry = (message: AMQPMessage, queue: string, exchange: unknown): boolean =>
  exchange === "" && headersOf(message)[RETRY_OF] === queue

/**
 * The attempts that ended before this delivery: those that failed, and those that a crash cut short.
 * @param countsRedeliveries whether the queue counts them in `x-delivery-count`. Otherwise, and on a first delivery,
 * another program has set that header.
 */
export function attemptsBefore(message: AMQPMessage, queue: string, countsRedeliveries: boolean): number {
  const redeliveries = countsRedeliveries ? (headersOf(message)["x-delivery-count"] ?? 1) : 1
  const failures = failuresBefore(message, queue)
  return Math.min(MAX_RETRY_COUNT, failures + (message.redelivered ? countOf(redeliveries) : 0))
}

/** The attempts that failed before this delivery. */
export const failuresBefore = (message: AMQPMessage, queue: string): number =>
  isRetry(message, queue, message.exchange) ? countOf(headersOf(message)[RETRY_COUNT]) : 0

/** Returns the failure of the attempt before this delivery; null if it is not a retry. */
export const lastFailureOf = (message: AMQPMessage, queue: string): RetryFailure | null =>
  isRetry(message, queue, message.exchange) ? decodeRetryFailure(headersOf(message)[FAILURE]) : null

/**
 * Returns the failure of a dead letter. If the broker itself dead-lettered the message from the queue, its reason takes
 * precedence.
 */
export function failureOf(message: AMQPMessage, queue: string): DeadLetterFailure | null {
  const headers = headersOf(message)
  const death = deathOn(message, queue)
  const reason = DEATH_REASONS.get(death?.["reason"])
  if (reason === undefined) return decodeDeadLetterFailure(headers[FAILURE])
  const wasRetry = isRetry(message, queue, death?.["exchange"])
  const own = wasRetry ? decodeRetryFailure(headers[FAILURE]) : null
  const time = death?.["time"] instanceof Date ? death["time"].getTime() : 0
  const diedAt = isTimestampMs(time) ? time : 0
  return {
    reason,
    attempts: wasRetry ? countOf(headers[RETRY_COUNT]) : 0,
    firstFailedAt: own?.firstFailedAt ?? diedAt,
    lastFailedAt: diedAt,
    error: own?.error ?? null,
    module: own?.module ?? null,
  }
}

/** Why RabbitMQ itself took a message from the queue without a run; null if it did not. */
export function brokerDeathOf(message: AMQPMessage, queue: string): "expired" | "overflow" | null {
  const reason = DEATH_REASONS.get(deathOn(message, queue)?.["reason"])
  return reason === "expired" || reason === "overflow" ? reason : null
}

/** The topic that a delivered message was published to; null if it was published to a queue directly. */
export const topicOf = ({ exchange, routingKey }: AMQPMessage): string | null =>
  exchange === "" ? null : wholeText(routingKey)

/** The topic that a dead letter was published to before RabbitMQ itself moved it; null if nobody knows. */
export function topicBeforeDeath(message: AMQPMessage, queue: string): string | null {
  const death = deathOn(message, queue)
  const keys = death?.["routing-keys"]
  const key: unknown = Array.isArray(keys) ? keys[0] : null
  return typeof key === "string" && death?.["exchange"] !== "" ? wholeText(key) : null
}

/** The text, or null if it is not what was sent: a part was not UTF-8. */
export const wholeText = (text: string | undefined): string | null =>
  text === undefined || text.includes(NOT_UTF_8) ? null : text

/** Returns the entry of `x-death` for the queue. A retry also has one for its delay tier, which is not a failure. */
function deathOn(message: AMQPMessage, queue: string): Readonly<Record<string, unknown>> | null {
  const deaths: unknown = headersOf(message)["x-death"]
  if (!Array.isArray(deaths)) return null
  return deaths.filter(isObject).find((each) => each["queue"] === queue) ?? null
}

export const headersOf = (message: AMQPMessage): Readonly<Record<string, unknown>> =>
  message.properties.headers ?? {}

function countOf(value: unknown): number {
  const count = Number(typeof value === "string" || typeof value === "number" ? value : 0)
  return Number.isInteger(count) && count > 0 ? Math.min(MAX_RETRY_COUNT, count) : 0
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null
