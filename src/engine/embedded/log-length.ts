import type { Database } from "bun:sqlite"

/** Measures the log of an open store. Each call looks at shared memory, and waits for nobody. */
export class LogLength {
  readonly #state

  constructor(database: Database) {
    // Source: sqlite.org/pragma.html#pragma_wal_checkpoint, "NOOP".
    this.#state = database.prepare<{ log: number; checkpointed: number }, []>("PRAGMA wal_checkpoint(NOOP)")
  }

  /** Pages in the log, those included that were copied into the database. */
  get pages(): number {
    return this.#state.get()?.log ?? 0
  }

  /** Pages that the next commit is written behind. None if all were copied: then it begins the log anew. */
  get pagesBeforeNext(): number {
    const { log, checkpointed } = this.#state.get() ?? { log: 0, checkpointed: 0 }
    return log === checkpointed ? 0 : log
  }

  close(): void {
    this.#state.finalize()
  }
}
