import type { FailureRecord } from "../../event/failure.ts"

/** The record of the last failure, as JSON: the broker's headers have no null. */
export const FAILURE = "x-failure"

/** The most that a failure's record may take of a message's properties, in bytes; they fit into one frame. */
const MAX_FAILURE_BYTES = 32_768

/** What an error's texts are cut to where the record would take more, in characters. */
const CUT_TO = { name: 200, message: 1_000 } as const

/** The header's value. An error that would take too much of it loses its stack. */
export function encodeFailure(failure: FailureRecord): string {
  const json = JSON.stringify(failure)
  if (Buffer.byteLength(json) <= MAX_FAILURE_BYTES || failure.error === null) return json
  const { name, message } = failure.error
  const error = { name: name.slice(0, CUT_TO.name), message: message.slice(0, CUT_TO.message) }
  return JSON.stringify({ ...failure, error })
}
