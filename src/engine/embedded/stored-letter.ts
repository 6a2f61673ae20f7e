import type { FailureRecord } from "../../event/failure.ts"
import type { DeadLetter } from "../engine.ts"
import { decodeFailure } from "../failure-record.ts"
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
const UNREADABLE: FailureRecord = {
  reason: "corrupt",
  attempts: 0,
  firstFailedAt: 0,
  lastFailedAt: 0,
  error: { name: "CorruptRecord", message: "the reason of the dead letter is no longer readable" },
  module: null,
}

/** Reads a dead letter, even a damaged one. Never throws. */
export function toLetter(row: LetterRow, queue: number): StoredLetter {
  const { event, priority } = row
  const failure = decodeFailure(row.failure) ?? UNREADABLE
  if (isIntact(row, { event, priority, queue })) return { body: row.body, failure, isCorrupt: false }
  const error = { name: "CorruptEvent", message: faultOf(row) }
  return { body: readable(row.body), failure: { ...failure, reason: "corrupt", error }, isCorrupt: true }
}
