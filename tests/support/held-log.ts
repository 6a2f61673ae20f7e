import type { Log, SyncWatcher } from "../../src/engine/embedded/store-log.ts"

/** A log whose syncs end when and as the test says. */
export class HeldLog implements Log {
  readonly #waiting: SyncWatcher[] = []
  #isHeld = true

  /** How many syncs have begun and not ended. */
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

  /** Ends the syncs that have begun; those that begin later are held again. */
  end(error: Error | null = null): void {
    for (const watcher of this.#waiting.splice(0)) {
      if (error !== null) watcher.onFailed(error)
      else {
        watcher.onSynced()
        watcher.onWritable()
      }
    }
  }

  /** Ends the syncs that have begun, and holds none any more. */
  letGo(): void {
    this.#isHeld = false
    this.end()
  }
}
