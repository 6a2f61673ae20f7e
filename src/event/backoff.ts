/** How long an event waits before its next attempt. */
export interface Backoff {
  readonly initialMs: number
  readonly factor: number
  readonly maxMs: number
}

/**
 * The wait after a failed attempt, in milliseconds: exponential, bounded, and spread over its upper half, so
 * that events that failed together do not come back together.
 * Source of the jitter: "Exponential Backoff And Jitter" (AWS Architecture Blog), "equal jitter".
 * @param attempt the attempt that failed, 1 for the first.
 * @param random a number from 0 to 1. Default: `Math.random`.
 */
export function backoffDelay(backoff: Backoff, attempt: number, random: () => number = Math.random): number {
  const full = Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** (attempt - 1))
  return Math.round(full / 2 + (full / 2) * random())
}
