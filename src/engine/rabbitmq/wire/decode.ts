import type { AMQPMessage } from "@cloudamqp/amqp-client"
import type { FailureReason, FailureRecord } from "../../../event/failure.ts"
import { readTraceContext, type TraceContext } from "../../../event/trace-context.ts"
import { decodeFailure } from "../../failure-record.ts"
import { FAILURE } from "../failure-header.ts"
import { textOf } from "./field-table.ts"

/** The app id of messages from this service. */
export const APP_ID = "event-broker"

/** Header with the number of failed attempts. */
export const RETRY_COUNT = "x-retry-count"

/**
 * Largest number of attempts accepted from a header. Higher counts are errors of other programs, and one more
 * attempt would overflow AMQP's 32-bit integers.
 */
const MAX_COUNT = 1_000_000_000

/** The broker's reasons for dead-lettering, as written in `x-death`. */
const DEATH_REASONS: ReadonlyMap<unknown, FailureReason> = new Map([
  ["expired", "expired"],
  ["maxlen", "overflow"],
  ["rejected", "rejected"],
])

/** Returns the bytes of a message's body. */
export const bytesOf = (message: AMQPMessage): Uint8Array => message.body ?? new Uint8Array()

/** Returns the body as text. Invalid UTF-8 becomes U+FFFD. */
export const bodyOf = (message: AMQPMessage): string => textOf(bytesOf(message))

/** Returns whether another program published the message. */
export const isForeign = (message: AMQPMessage): boolean => message.properties.appId !== APP_ID

/** Returns the trace that a message was published in, by this service or another program. */
export function traceOf(message: AMQPMessage): TraceContext | null {
  const { traceparent, tracestate } = headersOf(message)
  return readTraceContext(traceparent, tracestate)
}

/**
 * Returns the number of attempts before this delivery: those that failed, and those that a crash cut short.
 */
export function attemptsBefore(message: AMQPMessage): number {
  const headers = headersOf(message)
  const redeliveries = headers["x-delivery-count"] ?? (message.redelivered ? 1 : 0)
  return Math.min(MAX_COUNT, countOf(headers[RETRY_COUNT]) + countOf(redeliveries))
}

/**
 * Returns the last failure. If the broker itself dead-lettered the message from the queue, its reason takes
 * precedence.
 */
export function failureOf(message: AMQPMessage, queue: string): FailureRecord | null {
  const headers = headersOf(message)
  const own = decodeFailure(headers[FAILURE])
  const deaths = headers["x-death"]
  // A retry was dead-lettered in its delay tier; only an entry for the queue itself is a failure.
  const death = Array.isArray(deaths)
    ? deaths.find((each) => isObject(each) && each["queue"] === queue)
    : null
  const reason = DEATH_REASONS.get(death?.reason)
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

const headersOf = (message: AMQPMessage): Readonly<Record<string, unknown>> =>
  message.properties.headers ?? {}

function countOf(value: unknown): number {
  const count = Number(typeof value === "string" || typeof value === "number" ? value : 0)
  return Number.isInteger(count) && count > 0 ? Math.min(MAX_COUNT, count) : 0
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null
