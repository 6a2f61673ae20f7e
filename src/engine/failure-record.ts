import * as v from "valibot"
import { FAILURE_REASONS, type FailureRecord } from "../event/failure.ts"

/** The last moment that a Date can express. */
const MAX_TIME_MS = 8_640_000_000_000_000

const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(MAX_TIME_MS))

const FailureSchema = v.object({
  reason: v.picklist(FAILURE_REASONS),
  attempts: v.pipe(v.number(), v.integer(), v.minValue(0)),
  firstFailedAt: milliseconds,
  lastFailedAt: milliseconds,
  error: v.nullable(v.object({ name: v.string(), message: v.string(), stack: v.exactOptional(v.string()) })),
  module: v.nullable(v.string()),
})

/** Reads a failure's record as it is kept, in JSON. Returns null for what is none: others may have written it. */
export function decodeFailure(stored: unknown): FailureRecord | null {
  if (typeof stored !== "string") return null
  try {
    const result = v.safeParse(FailureSchema, JSON.parse(stored))
    return result.success ? result.output : null
  } catch {
    // Not even JSON.
    return null
  }
}
