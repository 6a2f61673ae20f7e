import type { Delivery, EngineCapabilities } from "../engine/engine.ts"
import { counted } from "../event/counted.ts"
import type { DeadLetterReason, ErrorSummary } from "../event/failure.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"

/**
 * Fewest deliveries before an event becomes a dead letter without a run, on an engine that also counts deliveries that
 * were given back: a stop of the service must not use up the only attempt of an event that never ran.
 */
const MIN_COUNTED_DELIVERIES = 3

/** Which attempt a delivery is, and what became of those before. */
export type AttemptCount = Pick<Delivery, "attempt" | "failedAttempts" | "lastFailure">

/** The reason why an event is not run again. */
export interface LimitExceeded {
  readonly reason: DeadLetterReason
  readonly error: ErrorSummary | null
}

/**
 * Checks, before the handler runs, whether the attempts are used up. An event that kills the process leaves no trace
 * except the count of its deliveries.
 * @returns null if the event may run
 */
export function exceedsLimit(
  { attempt, failedAttempts, lastFailure }: AttemptCount,
  { attempts }: Pick<ModuleManifest, "attempts">,
  { releaseKeepsAttempt }: Pick<EngineCapabilities, "releaseKeepsAttempt">,
): LimitExceeded | null {
  const cutShort = attempt - 1 - failedAttempts
  const isCutShort = cutShort > 0
  const limit = isCutShort && !releaseKeepsAttempt ? Math.max(attempts, MIN_COUNTED_DELIVERIES) : attempts
  if (attempt <= limit) return null
  // Each attempt failed, and the limit has become lower since.
  if (!isCutShort) return { reason: "attempts-exhausted", error: lastFailure?.error ?? null }
  const message = `the service ended during ${cutShort} of ${counted(attempt - 1, "attempt")}, before the handler had an outcome`
  return { reason: "worker-crashed", error: { name: "AttemptCutShort", message } }
}

/** Returns true on the last attempt of an event that had one cut short: its handler may end the service again. */
export const isLastAfterCrash = (
  { attempt, failedAttempts }: AttemptCount,
  { attempts }: Pick<ModuleManifest, "attempts">,
): boolean => attempt >= attempts && attempt > 1 + failedAttempts
