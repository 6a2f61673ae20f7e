import { type Backoff, RetryDelays } from "../../event/backoff.ts"

/** Backoff between attempts to write again after a failure. */
const RECOVERY_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 2_000 }

/** Calls `recover` to retry writing, with backoff until it succeeds. */
export class RecoveryTimer {
  readonly #recover: () => void
  readonly #delays = new RetryDelays(RECOVERY_BACKOFF)
  #timer: Timer | undefined

  constructor(recover: () => void) {
    this.#recover = recover
  }

  /** Schedules the next attempt, replacing an earlier one. */
  arm(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#recover, this.#delays.next())
  }

  /** Call it after a success: the next waits are short again. */
  reset(): void {
    this.#delays.reset()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
