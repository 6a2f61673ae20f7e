import { Database } from "bun:sqlite"
import { join } from "node:path"
import { DATABASE_FILE } from "../../src/engine/embedded/store/database.ts"

export interface StoredRows {
  readonly events: number
  readonly messages: number
  readonly deadLetters: number
}

/** Counts the rows in the file of a closed store. */
export function storedRows(dataDir: string): StoredRows {
  using database = new Database(join(dataDir, DATABASE_FILE))
  const rows = database
    .prepare<StoredRows, []>(
      `SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM messages) AS messages,
              (SELECT count(*) FROM dead_letters) AS deadLetters`,
    )
    .get()
  if (rows === null) throw new Error("SQLite returned nothing for a SELECT of constants")
  return rows
}
