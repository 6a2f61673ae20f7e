import type { Database } from "bun:sqlite"
import { SQLiteError } from "bun:sqlite"
import { reasonOf } from "../../../system/reason-of.ts"

/** The store contains something that this service never wrote: a disk or another program changed its file. */
export class StoreDamagedError extends Error {
  override readonly name = "StoreDamagedError"
}

const WHAT_TO_DO =
  "stop the service, keep a copy of DATA_DIR, then restore a backup or recover what is readable (docs/troubleshooting.md)"

/**
 * Errors that pass, or that an operator can fix while the service runs: a full or failing disk, a file system
 * that is temporarily read-only, no memory. Source: sqlite.org/rescode.html.
 */
const PASSING = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|NOMEM|CANTOPEN|READONLY|PROTOCOL|INTERRUPT)/

/** Tables that are small compared with the bodies, and whose rows have no checksum. */
const CHECKED_TABLES = ["queues", "messages", "dead_letters"]

const codeOf = (cause: unknown): string => (cause instanceof SQLiteError ? (cause.code ?? "") : "")

/** Returns whether the file itself is damaged: SQLite can't read it, or its content can't be correct. */
export const isDamage = (cause: unknown): boolean =>
  cause instanceof StoreDamagedError || /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(cause))

/**
 * Explains why an error is permanent, and what to do about it. Returns null for an error that may pass: only
 * then retrying makes sense.
 */
export function explainLasting(cause: unknown): string | null {
  const reason = reasonOf(cause)
  if (isDamage(cause)) return `the store is damaged: ${reason}; ${WHAT_TO_DO}`
  if (PASSING.test(codeOf(cause))) return null
  return `the store can't be used, and retrying does not help: ${reason}`
}

/**
 * Finds rows that no queue would ever deliver, so they would be lost silently. The states are ready,
 * unsettled and delayed, and only a delayed message has a due time.
 */
const STRAYS = `
  SELECT 'messages' AS place FROM messages
    WHERE queue NOT IN (SELECT id FROM queues) OR state NOT IN (0, 1, 2) OR shared NOT IN (0, 1)
      OR (state = 2) <> (due_at IS NOT NULL)
  UNION ALL SELECT 'dead letters' FROM dead_letters WHERE queue NOT IN (SELECT id FROM queues)
  LIMIT 1`

/**
 * Checks that queues, messages and dead letters are intact, ordered, indexed, and belong to a queue. Takes
 * about a second per million messages. Does not read bodies: each one is checked when it is delivered.
 * @throws {StoreDamagedError}
 */
export function requireSoundTables(database: Database): void {
  for (const table of CHECKED_TABLES) {
    const found = database.query<{ result: string }, []>(
      `SELECT integrity_check AS result FROM pragma_integrity_check('${table}')`,
    )
    const result = found.get()?.result
    if (result !== "ok") throw new StoreDamagedError(`table ${table}: ${result?.replaceAll("\n", " ")}`)
  }
  const stray = database.query<{ place: string }, []>(STRAYS).get()
  if (stray !== null) throw new StoreDamagedError(`some of its ${stray.place} belong to no queue`)
}

/**
 * Checks that a statement changed exactly one row. A row that was just read but is not found by its key is
 * out of order, and would be read again forever.
 * @throws {StoreDamagedError}
 */
export function requireOne({ changes }: { readonly changes: number }): void {
  if (changes !== 1) throw new StoreDamagedError("a row that was read is not found by its key")
}
