import type { Database } from "bun:sqlite"
import { SOURCE } from "./history-tables.ts"

/** Most events of which only later facts are known, and whose publication may still arrive. */
const MAX_UNKNOWN = 10_000

/** Ids of events of which only later facts are known. */
export class UnknownIds {
  readonly #database: Database
  readonly #ids = new Set<string>()

  constructor(database: Database) {
    this.#database = database
  }

  /** Reads them again, after a transaction was rolled back. */
  load(): void {
    this.#ids.clear()
    const unknown = this.#database.query<{ id: string }, []>(
      `SELECT id FROM events WHERE source = ${SOURCE.unknown} LIMIT ${MAX_UNKNOWN}`,
    )
    for (const { id } of unknown.iterate()) this.#ids.add(id)
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Adds an id, and forgets the oldest of too many. */
  add(id: string): void {
    this.#ids.add(id)
    const [oldest] = this.#ids
    if (this.#ids.size > MAX_UNKNOWN && oldest !== undefined) this.#ids.delete(oldest)
  }

  delete(id: string): void {
    this.#ids.delete(id)
  }
}
