import type { Log, SyncWatcher } from "../../src/engine/embedded/commit/store-log.ts"

/** A log whose syncs end when the test says so, with the result that it chooses. */
export class HeldLog implements Log {
  readonly #waiting: SyncWatcher[] = []
  #isHeld = true

  /** Number of syncs in progress. */
  get waiting(): number {
    return this.#waiting.length
  }

  sync(_turn: number, watcher: SyncWatcher): void {
    this.#waiting.push(watcher)
    if (!this.#isHeld) setImmediate(() => this.end())
  }

  hurry(): void {}

  async close(closeDatabase: () => void): Promise<void> {
    closeDatabase()
  }

  /** Ends the syncs in progress; later ones are held again. */
  end(error: Error | null = null): void {
    for (const watcher of this.#waiting.splice(0)) {
      if (error !== null) watcher.onFailed(error)
      else {
        watcher.onSynced()
        watcher.onWritable()
      }
    }
  }

  /** Ends the syncs in progress, and holds no more. */
  letGo(): void {
    this.#isHeld = false
    this.end()
  }
}
