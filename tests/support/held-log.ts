import type { Log } from "../../src/engine/embedded/log-sync.ts"

/** A log whose syncs end when and as the test says. */
export class HeldLog implements Log {
  readonly #waiting: ((error: Error | null) => void)[] = []
  #isHeld = true

  /** How many syncs have begun and not ended. */
  get waiting(): number {
    return this.#waiting.length
  }

  start(done: (error: Error | null) => void): void {
    if (this.#isHeld) this.#waiting.push(done)
    else setImmediate(() => done(null))
  }

  /** Where it is set, the next `now` throws it. */
  fault: Error | null = null

  now(): void {
    if (this.fault !== null) throw this.fault
  }

  close(): void {}

  /** Ends the syncs that have begun; those that begin later are held again. */
  end(error: Error | null = null): void {
    for (const done of this.#waiting.splice(0)) done(error)
  }

  /** Ends the syncs that have begun, and holds none any more. */
  letGo(): void {
    this.#isHeld = false
    this.end()
  }
}
