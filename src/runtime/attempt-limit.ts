import type { Delivery, EngineCapabilities } from "../engine/engine.ts"
import { counted } from "../event/counted.ts"
import type { ErrorSummary, FailureReason } from "../event/failure.ts"
import type { ModuleManifest } from "./manifest.ts"

/**
 * The fewest deliveries before an event is a dead letter unrun, where the engine counts deliveries that were given back
 * as well: a stop of the service must not use up the one attempt of an event that never ran.
 */
const MIN_COUNTED_DELIVERIES = 3

/** Why an event is not run again. */
export interface LimitExceeded {
  readonly reason: FailureReason
  readonly error: ErrorSummary | null
}

/**
 * Checks before the handler runs whether the attempts are used up. An event that kills the process leaves no other
 * trace than the count of its deliveries.
 * @param uncounted deliveries that were no attempt, though the engine counts them
 * @returns null if the event may run
 */
export function exceedsLimit(
  { attempt, lastFailure }: Pick<Delivery, "attempt" | "lastFailure">,
  { attempts }: Pick<ModuleManifest, "attempts">,
  { releaseKeepsAttempt }: Pick<EngineCapabilities, "releaseKeepsAttempt">,
  uncounted = 0,
): LimitExceeded | null {
  const cutShort = attempt - 1 - (lastFailure?.attempts ?? 0)
  const isCutShort = cutShort > 0
  const limit = isCutShort && !releaseKeepsAttempt ? Math.max(attempts, MIN_COUNTED_DELIVERIES) : attempts
  if (attempt - uncounted <= limit) return null
  // Each attempt failed, and the limit has become lower since.
  if (!isCutShort) return { reason: "attempts-exhausted", error: lastFailure?.error ?? null }
  const message = `the service ended during ${cutShort} of ${counted(attempt - 1, "attempt")}, before the handler had an outcome`
  return { reason: "worker-crashed", error: { name: "AttemptCutShort", message } }
}

/** Whether an attempt was cut short, and this is the last one: it may be what ends the service. */
export const isLastAfterCrash = (
  { attempt, lastFailure }: Pick<Delivery, "attempt" | "lastFailure">,
  { attempts }: Pick<ModuleManifest, "attempts">,
): boolean => attempt >= attempts && attempt > 1 + (lastFailure?.attempts ?? 0)
