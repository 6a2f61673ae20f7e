import type { RecordedEvents } from "./recorded-events.ts"
import type { StoredRuns } from "./stored-runs.ts"

/** Bounds of what waits: the length of the events in bytes, and the time since the first of them in milliseconds. */
const MAX_LENGTH = 1_048_576
const MAX_AGE_MS = 200

/** Time between two turns with facts, in milliseconds, above which a row for each costs little. */
const MAX_PAUSE_MS = 10

/**
 * Publications of turns that wait for the facts of a later turn, and share its row: a row for each turn would cost those
 * that publish much as much as some of their events. Until then the queues tell of them; see `readRecorded`.
 */
export class DeferredFacts {
  readonly #runs: StoredRuns
  #since = Number.NEGATIVE_INFINITY
  /** When the last turn with facts was written. */
  #writtenAt = Number.NEGATIVE_INFINITY
  /** Those of the turn that is being written; null if they don't wait. */
  #taken: StoredRuns | null = null
  /** Number of the last event up to which rows tell of every one. */
  #recorded: number
  /** The same after the turn that is being written, if its rows tell of all; otherwise null. */
  #nextRecorded: number | null = null

  constructor({ through, later }: RecordedEvents) {
    this.#runs = later
    this.#recorded = through
  }

  /** Those of the turns before. */
  get runs(): StoredRuns {
    return this.#runs
  }

  /** Begins a turn. */
  begin(): void {
    this.#taken = null
    this.#nextRecorded = null
  }

  /** Takes the publications of the turn that is being written. Returns false if they should not wait. */
  take(stored: StoredRuns): boolean {
    const now = performance.now()
    const mayWait =
      now - this.#writtenAt < MAX_PAUSE_MS &&
      (this.#runs.isEmpty || now - this.#since < MAX_AGE_MS) &&
      this.#runs.length + stored.length <= MAX_LENGTH
    if (mayWait) this.#taken = stored
    return mayWait
  }

  /**
   * Returns the number of the last event up to which rows tell of every one, after the turn that is being written.
   * @param lastEvent number of the store's last event
   * @param isWritable false if the facts of this turn are left out
   */
  recordedThrough(lastEvent: number, isWritable: boolean): number {
    const isLeft = this.#taken !== null || !(isWritable || this.#runs.isEmpty)
    this.#nextRecorded = isLeft ? null : lastEvent
    return this.#nextRecorded ?? this.#recorded
  }

  /** The turn was written. @param hasRow whether it has a row of facts */
  written(hasRow: boolean): void {
    const now = performance.now()
    if (hasRow || this.#taken !== null) this.#writtenAt = now
    if (this.#taken !== null) {
      if (this.#runs.isEmpty) this.#since = now
      this.#runs.append(this.#taken)
    }
    if (this.#nextRecorded === null) return
    this.#recorded = this.#nextRecorded
    this.#runs.clear()
  }
}
