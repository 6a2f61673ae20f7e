import { boundError, type DeadLetterFailure, type RetryFailure } from "../../../event/failure.ts"
import { EngineStartError, PublishError } from "../../errors.ts"
import type { TopologyOptions } from "../topology/topology.ts"
import { ACCESS_REFUSED, NOT_FOUND, PRECONDITION_FAILED, refusalText, replyIn } from "../wire/broker-fault.ts"

/**
 * Returns whether a retry fails permanently, until somebody changes RabbitMQ: RabbitMQ refuses the message
 * itself, a permission is missing, a tier has other arguments, or there is no tier with `TOPOLOGY=passive`. A
 * returned retry is not permanent: its queue may be declared again.
 */
export function isRefusedForGood(error: unknown, mode: TopologyOptions["mode"]): boolean {
  if (error instanceof PublishError) return error.isPermanent && error.code !== "unroutable"
  const code = replyIn(error)?.code
  if (code === ACCESS_REFUSED) return true
  if (!(error instanceof EngineStartError)) return false
  return code === PRECONDITION_FAILED || (code === NOT_FOUND && mode === "passive")
}

/**
 * Returns the failure record of an event whose retry RabbitMQ refuses permanently: the refusal, and the
 * failure before it.
 */
export function refusedRetry(failure: RetryFailure, refusal: unknown): DeadLetterFailure {
  const { error } = failure
  const failed = error === null ? failure.reason : `${error.name}: ${error.message}`
  return {
    ...failure,
    reason: "retry-refused",
    error: boundError({
      name: "RetryRefused",
      message: `the retry can't be stored: ${refusalText(refusal)}; the attempt failed with ${failed}`,
      ...(error?.stack !== undefined && { stack: error.stack }),
    }),
  }
}
