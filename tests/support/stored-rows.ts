import { Database } from "bun:sqlite"
import { join } from "node:path"
import { DATABASE_FILE } from "../../src/engine/embedded/database.ts"

export interface StoredRows {
  readonly events: number
  readonly messages: number
  readonly deadLetters: number
}

/** Counts what is in the file of a store that is closed. */
export function storedRows(dataDir: string): StoredRows {
  using database = new Database(join(dataDir, DATABASE_FILE))
  const rows = database
    .prepare<StoredRows, []>(
      `SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM messages) AS messages,
              (SELECT count(*) FROM dead_letters) AS deadLetters`,
    )
    .get()
  if (rows === null) throw new Error("SQLite answered a SELECT of constants with nothing")
  return rows
}
