import { type DeadLetterFailure, retriesOf } from "../../../event/failure.ts"
import type { DeadLetter } from "../../dead-letter.ts"
import { decodeDeadLetterFailure } from "../../failure-record.ts"
import { type EventRow, faultOf, isIntact, readable } from "./examined-event.ts"

/** A dead letter and its event, as SQLite returns them. */
export interface LetterRow extends EventRow {
  readonly position: number
  readonly event: number
  readonly priority: number
  readonly failure: unknown
}

/** A dead letter for display. */
export interface StoredLetter extends DeadLetter {
  /**
   * True if its event differs from what was stored: the readable part is shown, and it stays a dead letter.
   */
  readonly isCorrupt: boolean
}

/** Replaces a record that is no longer readable. */
const UNREADABLE: DeadLetterFailure = {
  reason: "corrupt",
  attempts: 0,
  firstFailedAt: 0,
  lastFailedAt: 0,
  error: { name: "CorruptRecord", message: "the reason of the dead letter is no longer readable" },
  module: null,
}

/**
 * The count in each stored event. Behind it is at most the ordering key, whose quotes are escaped, so the last one in a
 * body is the event's own.
 */
const COUNT = '"retry_count":0'

/** Reads a dead letter, even a damaged one. Never throws. */
export function toLetter(row: LetterRow, queue: number): StoredLetter {
  const { event, priority } = row
  const failure = decodeDeadLetterFailure(row.failure) ?? UNREADABLE
  if (isIntact(row, { event, priority, queue })) {
    return { body: withRetryCount(row.body, retriesOf(failure)), failure, isCorrupt: false }
  }
  const error = { name: "CorruptEvent", message: faultOf(row) }
  return { body: readable(row.body), failure: { ...failure, reason: "corrupt", error }, isCorrupt: true }
}

/** The store keeps the event as it was published, and its attempts beside it. */
function withRetryCount(body: string, retryCount: number): string {
  const at = body.lastIndexOf(COUNT)
  if (retryCount === 0 || at < 0) return body
  return `${body.slice(0, at)}"retry_count":${retryCount}${body.slice(at + COUNT.length)}`
}
