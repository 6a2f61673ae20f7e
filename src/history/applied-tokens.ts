import type { Database } from "bun:sqlite"

/** Tokens that are remembered. A batch arrives twice within minutes, if at all. */
const MAX_TOKENS = 100_000

/** The tokens of the batches that were applied. */
export class AppliedTokens {
  readonly #insert
  readonly #forget
  #newest = 0

  constructor(database: Database) {
    this.#insert = database.prepare<{ n: number }, [string]>(
      "INSERT INTO tokens (token) VALUES (?) ON CONFLICT DO NOTHING RETURNING n",
    )
    this.#forget = database.prepare("DELETE FROM tokens WHERE n <= ?")
  }

  /** Remembers a token. Returns false if it is known. Call it within a transaction. */
  add(token: string): boolean {
    const row = this.#insert.get(token)
    if (row === null) return false
    this.#newest = row.n
    return true
  }

  /** Forgets the oldest of too many. Call it within a transaction. */
  forgetOld(): void {
    this.#forget.run(this.#newest - MAX_TOKENS)
  }

  close(): void {
    this.#insert.finalize()
    this.#forget.finalize()
  }
}
