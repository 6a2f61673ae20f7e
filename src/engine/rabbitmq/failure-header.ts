import * as v from "valibot"
import { FAILURE_REASONS, type FailureRecord } from "../../event/failure.ts"

/** The record of the last failure, as JSON: the broker's headers have no null. */
export const FAILURE = "x-failure"

/** The most that a failure's record may take of a message's properties, in bytes; they fit into one frame. */
const MAX_FAILURE_BYTES = 32_768

/** What an error's texts are cut to where the record would take more, in characters. */
const CUT_TO = { name: 200, message: 1_000 } as const

const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0))

/** Other programs can write the header too. */
const FailureSchema = v.object({
  reason: v.picklist(FAILURE_REASONS),
  attempts: v.pipe(v.number(), v.integer(), v.minValue(0)),
  firstFailedAt: milliseconds,
  lastFailedAt: milliseconds,
  error: v.nullable(v.object({ name: v.string(), message: v.string(), stack: v.exactOptional(v.string()) })),
  module: v.nullable(v.string()),
})

/** The header's value. An error that would take too much of it loses its stack. */
export function encodeFailure(failure: FailureRecord): string {
  const json = JSON.stringify(failure)
  if (Buffer.byteLength(json) <= MAX_FAILURE_BYTES || failure.error === null) return json
  const { name, message } = failure.error
  const error = { name: name.slice(0, CUT_TO.name), message: message.slice(0, CUT_TO.message) }
  return JSON.stringify({ ...failure, error })
}

/** Null for what is not a failure's record: another program's header of the same name. */
export function decodeFailure(header: unknown): FailureRecord | null {
  if (typeof header !== "string") return null
  try {
    const result = v.safeParse(FailureSchema, JSON.parse(header))
    return result.success ? result.output : null
  } catch {
    // Not even JSON.
    return null
  }
}
