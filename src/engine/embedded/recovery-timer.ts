import { type Backoff, RetryDelays } from "../../event/backoff.ts"

/** The waits between attempts to write again after a fault. */
const RECOVERY_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 2_000 }

/** Calls back to try to write again, after waits that grow until it succeeds. */
export class RecoveryTimer {
  readonly #recover: () => void
  readonly #delays = new RetryDelays(RECOVERY_BACKOFF)
  #timer: Timer | undefined

  constructor(recover: () => void) {
    this.#recover = recover
  }

  /** Arms the timer in place of what was armed. */
  arm(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#recover, this.#delays.next())
  }

  /** The attempt succeeded: the next waits are short again. */
  reset(): void {
    this.#delays.reset()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
