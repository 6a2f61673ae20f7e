import type { Database } from "bun:sqlite"
import { SQLiteError } from "bun:sqlite"
import { reasonOf } from "./turn-failure.ts"

/** The store holds what this service never wrote: a disk or a program has changed its file. */
export class StoreDamagedError extends Error {
  override readonly name = "StoreDamagedError"
}

const WHAT_TO_DO =
  "stop the service, keep a copy of DATA_DIR, and restore a backup or save what can be read (docs/troubleshooting.md)"

/**
 * Faults that pass, or that somebody can mend under the running service: a full or failing disk, a file system that is
 * read-only for a moment, no memory. Source: sqlite.org/rescode.html.
 */
const PASSING = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|NOMEM|CANTOPEN|READONLY|PROTOCOL|INTERRUPT)/

/** Tables that are small beside the bodies, and whose rows have no checksum. */
const CHECKED_TABLES = ["queues", "messages", "dead_letters"]

const codeOf = (cause: unknown): string => (cause instanceof SQLiteError ? (cause.code ?? "") : "")

/** Whether the file itself is at fault: SQLite can't read it, or what it read can't be true. */
export const isDamage = (cause: unknown): boolean =>
  cause instanceof StoreDamagedError || /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(cause))

/**
 * Says why a fault will not pass, with what to do about it. Returns null for a fault that may pass: only then trying
 * again makes sense.
 */
export function explainLasting(cause: unknown): string | null {
  const reason = reasonOf(cause)
  if (isDamage(cause)) return `the store is damaged: ${reason}; ${WHAT_TO_DO}`
  if (PASSING.test(codeOf(cause))) return null
  return `the store can't be used, and would not be by trying again: ${reason}`
}

/**
 * Rows that no queue would ever deliver: they would be lost without a word. States are ready, unsettled and delayed, and
 * a delayed message alone is due at a time.
 */
const STRAYS = `
  SELECT 'messages' AS place FROM messages
    WHERE queue NOT IN (SELECT id FROM queues) OR state NOT IN (0, 1, 2) OR shared NOT IN (0, 1)
      OR (state = 2) <> (due_at IS NOT NULL)
  UNION ALL SELECT 'dead letters' FROM dead_letters WHERE queue NOT IN (SELECT id FROM queues)
  LIMIT 1`

/**
 * Checks that queues, messages and dead letters are whole, in order, in their indexes, and somewhere that they are
 * looked for. Takes about a second for a million messages. Bodies are not read: each is checked when it is delivered.
 * @throws {StoreDamagedError}
 */
export function requireSoundTables(database: Database): void {
  for (const table of CHECKED_TABLES) {
    const found = database.query<{ result: string }, []>(
      `SELECT integrity_check AS result FROM pragma_integrity_check('${table}')`,
    )
    const result = found.get()?.result
    if (result !== "ok") throw new StoreDamagedError(`its table ${table}: ${result?.replaceAll("\n", " ")}`)
  }
  const stray = database.query<{ place: string }, []>(STRAYS).get()
  if (stray !== null) throw new StoreDamagedError(`some of its ${stray.place} belong to no queue`)
}

/**
 * Checks that a statement found its one row. A row that was just read, and is not found by its key, is out of order: it
 * would be read again for ever.
 * @throws {StoreDamagedError}
 */
export function requireOne({ changes }: { readonly changes: number }): void {
  if (changes !== 1) throw new StoreDamagedError("a row that was read is not found by its key")
}
