import type { Delivery } from "../engine/engine.ts"
import type { HistoryFact } from "../event/history-fact.ts"
import type { Logger } from "../telemetry/logger.ts"
import { describeTrace } from "../workers/attempt.ts"
import type { Decision } from "./delivery-policy.ts"

/** The event of a settled delivery. */
export interface Settled {
  readonly id: string
  readonly name: string
}

/** Settles a delivery as decided, with the fact that tells it. Rejects if the engine can't, and then delivers the event again. */
export async function applyDecision(
  delivery: Delivery,
  decision: Decision,
  fact: HistoryFact | undefined,
): Promise<void> {
  switch (decision.kind) {
    case "ack":
      return delivery.ack(fact)
    case "release":
      return delivery.release()
    case "retry":
      return delivery.retry(decision.delayMs, decision.failure, fact)
    case "dead-letter":
      return delivery.deadLetter(decision.failure, fact)
  }
}

/** Writes a decision to the log. */
export function logDecision(
  logger: Logger,
  { queue, attempt, trace }: Delivery,
  event: Settled | null,
  decision: Decision,
): void {
  const about = { event_id: event?.id, ...describeTrace(trace), queue, name: event?.name, attempt }
  switch (decision.kind) {
    case "ack":
      logger.debug(about, "event handled")
      break
    case "release":
      logger.debug(about, "event given back")
      break
    case "retry": {
      const { reason, error, module } = decision.failure
      logger.warn(
        { ...about, module, reason, error, retry_in_ms: decision.delayMs },
        "attempt failed; it will be retried",
      )
      break
    }
    case "dead-letter": {
      const { reason, error, attempts, module } = decision.failure
      // As many as the dead letter has: none, if the event was set aside before its handler ran.
      const of = module === null ? about : { ...about, module }
      logger.error({ ...of, attempt: attempts, reason, error }, "event is now a dead letter")
      break
    }
  }
}
