import type { Database } from "bun:sqlite"

/** Tokens that are remembered. A batch arrives twice within minutes, if at all. */
const MAX_TOKENS = 100_000

/** The tokens of the batches that were applied. */
export class AppliedTokens {
  readonly #insert
  readonly #forget

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
    this.#forget.run(row.n - MAX_TOKENS)
    return true
  }

  close(): void {
    this.#insert.finalize()
    this.#forget.finalize()
  }
}
