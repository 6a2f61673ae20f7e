import * as v from "valibot"
import { MAX_TIMESTAMP_MS } from "../event/envelope.ts"
import {
  DEAD_LETTER_REASONS,
  type DeadLetterFailure,
  RETRY_REASONS,
  type RetryFailure,
} from "../event/failure.ts"
import { MAX_RETRY_COUNT } from "../event/retry-bounds.ts"

const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(MAX_TIMESTAMP_MS))

const RetryFailureSchema = v.object({
  reason: v.picklist(RETRY_REASONS),
  attempts: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_RETRY_COUNT)),
  firstFailedAt: milliseconds,
  lastFailedAt: milliseconds,
  error: v.nullable(v.object({ name: v.string(), message: v.string(), stack: v.exactOptional(v.string()) })),
  module: v.nullable(v.string()),
})

const DeadLetterFailureSchema = v.object({
  ...RetryFailureSchema.entries,
  reason: v.picklist(DEAD_LETTER_REASONS),
})

/**
 * Decodes the failure that is stored with a retry. Returns null if it is invalid, because other programs may have
 * written it.
 */
export const decodeRetryFailure = (stored: unknown): RetryFailure | null => decode(RetryFailureSchema, stored)

/** Decodes the failure that is stored with a dead letter. Returns null if it is invalid, as for a retry. */
export const decodeDeadLetterFailure = (stored: unknown): DeadLetterFailure | null =>
  decode(DeadLetterFailureSchema, stored)

function decode<Failure>(schema: v.GenericSchema<unknown, Failure>, stored: unknown): Failure | null {
  if (typeof stored !== "string") return null
  try {
    const result = v.safeParse(schema, JSON.parse(stored))
    return result.success ? result.output : null
  } catch {
    // Not JSON.
    return null
  }
}
