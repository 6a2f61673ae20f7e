import type { FailureRecord } from "../../../event/failure.ts"

/** Header with the record of the last failure, as JSON, because headers can't hold null. */
export const FAILURE = "x-failure"

/** Most bytes of a message's properties for a failure record; all properties have to fit in one frame. */
const MAX_FAILURE_BYTES = 32_768

/** Lengths that an error's texts are cut to if the record is too large, in characters. */
const CUT_TO = { name: 200, message: 1_000 } as const

/** Returns the value of the header. Drops the stack of an error that would be too large. */
export function encodeFailure(failure: FailureRecord): string {
  const json = JSON.stringify(failure)
  if (Buffer.byteLength(json) <= MAX_FAILURE_BYTES || failure.error === null) return json
  const { name, message } = failure.error
  const error = { name: name.slice(0, CUT_TO.name), message: message.slice(0, CUT_TO.message) }
  return JSON.stringify({ ...failure, error })
}
