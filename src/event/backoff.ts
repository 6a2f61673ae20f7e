/** Exponential backoff: the first wait, its growth and its upper limit. */
export interface Backoff {
  readonly initialMs: number
  readonly factor: number
  readonly maxMs: number
}

/**
 * Returns the wait after a failed attempt, in milliseconds: exponential, bounded, and spread over its upper
 * half, so that events that failed together are not retried together. Source of the jitter: "Exponential
 * Backoff And Jitter" (AWS Architecture Blog), "equal jitter".
 * @param attempt the attempt that failed, 1 for the first.
 * @param random a number from 0 to 1. Default: `Math.random`.
 */
export function backoffDelay(backoff: Backoff, attempt: number, random: () => number = Math.random): number {
  const full = Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** (attempt - 1))
  return Math.round(full / 2 + (full / 2) * random())
}

/** Backoff of an operation that is tried until it succeeds, and may fail again later. */
export class RetryDelays {
  readonly #backoff: Backoff
  #failures = 0

  constructor(backoff: Backoff) {
    this.#backoff = backoff
  }

  /** Counts a failure. Returns how long to wait, in milliseconds. */
  next(): number {
    return backoffDelay(this.#backoff, ++this.#failures)
  }

  /** Counts a failure. Resolves when the wait is over or the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    await pause(this.next(), signal)
  }

  /** Call it after a success: the next failure counts as the first. */
  reset(): void {
    this.#failures = 0
  }
}

/** Resolves after `delayMs` milliseconds, or as soon as the signal aborts. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener("abort", end)
      resolve()
    }
    const timer = setTimeout(end, delayMs)
    signal.addEventListener("abort", end)
    if (signal.aborted) end()
  })
}
