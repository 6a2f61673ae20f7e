import {
  type DeadLetterFailure,
  type DeadLetterReason,
  type ErrorSummary,
  type FailureRecord,
  LOOP_SUSPECTED,
  type RetryFailure,
  type RetryReason,
} from "../event/failure.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import type { Outcome } from "../workers/attempt.ts"
import { retryDelay } from "./retry-delay.ts"

/** An outcome that decides about a delivery. */
export type FinalOutcome = Exclude<Outcome, { kind: "superseded" }>

/** The next step for a delivery. */
export type Decision =
  | { readonly kind: "ack" }
  | { readonly kind: "release" }
  | { readonly kind: "retry"; readonly delayMs: number; readonly failure: RetryFailure }
  | { readonly kind: "dead-letter"; readonly failure: DeadLetterFailure }

/** Everything that a decision depends on, except the outcome. */
export interface Circumstances {
  readonly attempt: number
  readonly lastFailure: RetryFailure | null
  readonly manifest: Pick<ModuleManifest, "file" | "attempts" | "backoff">
  /** Milliseconds since the epoch. */
  readonly now: number
  /** A number from 0 to 1. Default: `Math.random`. */
  readonly random?: () => number
}

/** Errors of attempts that ended without one. */
const TIMED_OUT: ErrorSummary = {
  name: "TimeoutError",
  message: "the handler had not finished at the end of the module's timeout",
}
const WORKER_ENDED: ErrorSummary = {
  name: "WorkerEnded",
  message: "the handler's worker ended during the attempt",
}

/** The delivery policy: decides the next step from the outcome of an attempt. */
export function decide(outcome: FinalOutcome, circumstances: Circumstances): Decision {
  switch (outcome.kind) {
    case "done":
      return { kind: "ack" }
    case "returned":
      return { kind: "release" }
    case "dead-letter":
      return bury("rejected", { name: "DeadLetter", message: outcome.reason }, circumstances)
    case "retry":
      return retryOrBury("retry-requested", "attempts-exhausted", null, circumstances, outcome.delayMs)
    case "failed":
      return outcome.isPermanent
        ? bury("rejected", outcome.error, circumstances)
        : retryOrBury("error", "attempts-exhausted", outcome.error, circumstances)
    case LOOP_SUSPECTED:
      return bury(LOOP_SUSPECTED, outcome.error, circumstances)
    case "timeout":
      return retryOrBury("timeout", "timeout", outcome.error ?? TIMED_OUT, circumstances)
    case "worker-crashed":
      return retryOrBury("worker-crashed", "worker-crashed", outcome.error ?? WORKER_ENDED, circumstances)
  }
}

/** Makes the record of a failure. It keeps the time of the first one. */
export function recordFailure<Reason extends RetryReason | DeadLetterReason>(
  reason: Reason,
  error: ErrorSummary | null,
  { attempt, lastFailure, now }: Pick<Circumstances, "attempt" | "lastFailure" | "now">,
  module: string | null,
): FailureRecord<Reason> {
  const firstFailedAt = lastFailure?.firstFailedAt ?? now
  return { reason, attempts: attempt, firstFailedAt, lastFailedAt: now, error, module }
}

function retryOrBury(
  reason: RetryReason,
  lastReason: DeadLetterReason,
  error: ErrorSummary | null,
  circumstances: Circumstances,
  askedDelayMs: number | null = null,
): Decision {
  const { attempt, manifest, random } = circumstances
  if (attempt >= manifest.attempts)
    return bury(lastReason, error ?? circumstances.lastFailure?.error ?? null, circumstances)
  const delayMs = retryDelay(askedDelayMs, manifest.backoff, attempt, random)
  return { kind: "retry", delayMs, failure: recordFailure(reason, error, circumstances, manifest.file) }
}

function bury(reason: DeadLetterReason, error: ErrorSummary | null, circumstances: Circumstances): Decision {
  return {
    kind: "dead-letter",
    failure: recordFailure(reason, error, circumstances, circumstances.manifest.file),
  }
}
