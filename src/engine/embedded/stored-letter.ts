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

/** A dead letter as it is shown. */
export interface StoredLetter extends DeadLetter {
  /** Its event is not what was stored: it is shown as far as it can be read, and stays a dead letter. */
  readonly isCorrupt: boolean
}

/** Of a record that can't be read any more. */
const UNREADABLE: FailureRecord = {
  reason: "corrupt",
  attempts: 0,
  firstFailedAt: 0,
  lastFailedAt: 0,
  error: { name: "CorruptRecord", message: "why it became a dead letter can't be read any more" },
  module: null,
}

/** Reads a dead letter, whatever became of it. Never throws. */
export function toLetter(row: LetterRow, queue: number): StoredLetter {
  const { event, priority } = row
  const failure = decodeFailure(row.failure) ?? UNREADABLE
  if (isIntact(row, { event, priority, queue })) return { body: row.body, failure, isCorrupt: false }
  const error = { name: "CorruptEvent", message: faultOf(row) }
  return { body: readable(row.body), failure: { ...failure, reason: "corrupt", error }, isCorrupt: true }
}
