/** Longest wait of a timer, in milliseconds; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Calls back when the next delayed message is due, or earlier, where that is too far off for a timer. */
export class DueTimer {
  readonly #onDue: () => void
  #timer: Timer | undefined

  constructor(onDue: () => void) {
    this.#onDue = onDue
  }

  /** Forgets what was armed before. Null arms nothing. Both in milliseconds, by the store's clock. */
  arm(dueAt: number | null, now: number): void {
    clearTimeout(this.#timer)
    if (dueAt === null) return
    this.#timer = setTimeout(this.#onDue, Math.min(MAX_TIMER_MS, Math.max(0, dueAt - now)))
  }
}
