import { constants, Database } from "bun:sqlite"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { DATABASE_FILE } from "./database.ts"
import { isStoreTaken } from "./store-lock.ts"

/** Counts the events that a queue or its dead letters have. Others only wait for the history. */
export const COUNT_EVENTS =
  "SELECT count(*) AS events FROM (SELECT event FROM messages UNION SELECT event FROM dead_letters)"

/**
 * Counts the events of a store, including dead letters, for a service that does not use it. Changes nothing.
 * Returns 0 if there is no store, another process uses it, or it can't be read.
 */
export function countLeftEvents(dataDir: string): number {
  const file = join(dataDir, DATABASE_FILE)
  try {
    if (!existsSync(file) || isStoreTaken(dataDir)) return 0
    using database = new Database(file, { readonly: true })
    // The last connection that closes deletes the log; this setting leaves it to the engine.
    database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1)
    return database.query<{ events: number }, []>(COUNT_EVENTS).get()?.events ?? 0
  } catch {
    // The count is only a hint; the engine that uses the store reports its errors.
    return 0
  }
}
