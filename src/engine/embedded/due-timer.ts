/** Longest delay of a timer, in milliseconds; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Calls `onDue` when the next delayed message is due, or earlier if that is beyond the longest timer. */
export class DueTimer {
  readonly #onDue: () => void
  #timer: Timer | undefined

  constructor(onDue: () => void) {
    this.#onDue = onDue
  }

  /** Replaces the previous alarm. Null clears it. Times are in milliseconds, on the store's clock. */
  arm(dueAt: number | null, now: number): void {
    clearTimeout(this.#timer)
    if (dueAt === null) return
    this.#timer = setTimeout(this.#onDue, Math.min(MAX_TIMER_MS, Math.max(0, dueAt - now)))
  }
}
