import * as v from "valibot"
import { MAX_TIMESTAMP_MS } from "../event/envelope.ts"
import { FAILURE_REASONS, type FailureRecord } from "../event/failure.ts"
import { MAX_RETRY_COUNT } from "../event/retry-bounds.ts"

const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(MAX_TIMESTAMP_MS))

const FailureSchema = v.object({
  reason: v.picklist(FAILURE_REASONS),
  attempts: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_RETRY_COUNT)),
  firstFailedAt: milliseconds,
  lastFailedAt: milliseconds,
  error: v.nullable(v.object({ name: v.string(), message: v.string(), stack: v.exactOptional(v.string()) })),
  module: v.nullable(v.string()),
})

/**
 * Decodes a stored failure record. Returns null if it is invalid, because other programs may have written it.
 */
export function decodeFailure(stored: unknown): FailureRecord | null {
  if (typeof stored !== "string") return null
  try {
    const result = v.safeParse(FailureSchema, JSON.parse(stored))
    return result.success ? result.output : null
  } catch {
    // Not JSON.
    return null
  }
}
