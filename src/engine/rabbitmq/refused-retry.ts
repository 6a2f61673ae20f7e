import { boundError, type FailureRecord } from "../../event/failure.ts"
import { EngineStartError, PublishError } from "../errors.ts"
import type { TopologyOptions } from "./topology.ts"
import { ACCESS_REFUSED, NOT_FOUND, PRECONDITION_FAILED, reasonOf, replyIn } from "./wire/broker-fault.ts"

/**
 * Whether trying again is useless until somebody changes RabbitMQ: a retry that is refused by itself, a missing
 * permission, a tier with other arguments, or no tier with `TOPOLOGY=passive`. A retry that is returned is none of
 * these: its queue may be declared again.
 */
export function isRefusedForGood(error: unknown, mode: TopologyOptions["mode"]): boolean {
  if (error instanceof PublishError) return error.isPermanent && error.code !== "unroutable"
  const code = replyIn(error)?.code
  if (code === ACCESS_REFUSED) return true
  if (!(error instanceof EngineStartError)) return false
  return code === PRECONDITION_FAILED || (code === NOT_FOUND && mode === "passive")
}

/** The record of an event whose retry RabbitMQ refuses for good: why, and what had failed before. */
export function refusedRetry(failure: FailureRecord, refusal: unknown): FailureRecord {
  const { error } = failure
  const failed = error === null ? failure.reason : `${error.name}: ${error.message}`
  return {
    ...failure,
    reason: "retry-refused",
    error: boundError({
      name: "RetryRefused",
      message: `the retry can't be stored: ${reasonOf(refusal)}; the attempt failed with ${failed}`,
      ...(error?.stack !== undefined && { stack: error.stack }),
    }),
  }
}
