import type { Database } from "bun:sqlite"

/** Measures the log of an open store. Each call reads shared memory and never blocks. */
export class LogLength {
  readonly #state

  constructor(database: Database) {
    // Source: sqlite.org/pragma.html#pragma_wal_checkpoint, "NOOP".
    this.#state = database.prepare<{ log: number; checkpointed: number }, []>("PRAGMA wal_checkpoint(NOOP)")
  }

  /** Pages in the log, including those already copied into the database. */
  get pages(): number {
    return this.#state.get()?.log ?? 0
  }

  /**
   * Pages in the log before the next commit. 0 if all were copied, because the next commit then restarts the
   * log.
   */
  get pagesBeforeNext(): number {
    const { log, checkpointed } = this.#state.get() ?? { log: 0, checkpointed: 0 }
    return log === checkpointed ? 0 : log
  }

  close(): void {
    this.#state.finalize()
  }
}
