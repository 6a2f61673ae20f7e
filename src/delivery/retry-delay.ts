import { type Backoff, backoffDelay } from "../event/backoff.ts"
import { MAX_RETRY_DELAY_MS } from "../event/retry-bounds.ts"

/**
 * Chooses the wait before the next attempt, in milliseconds: what the function asked for, within the bounds, otherwise
 * the backoff of its module.
 * @param askedMs null if the function asked for none. A value that is not a duration counts as none
 * @param attempt the attempt that failed, 1 for the first
 * @param random a number from 0 to 1. Default: `Math.random`
 */
export function retryDelay(
  askedMs: number | null,
  backoff: Backoff,
  attempt: number,
  random?: () => number,
): number {
  if (typeof askedMs !== "number" || Number.isNaN(askedMs)) return backoffDelay(backoff, attempt, random)
  return Math.min(MAX_RETRY_DELAY_MS, Math.max(0, askedMs))
}
