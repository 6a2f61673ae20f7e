import type { Delivery } from "../engine.ts"
import { decodeRetryFailure } from "../failure-record.ts"
import type { Settlement } from "./commit/turn.ts"
import type { Claim } from "./commit/turn-writer.ts"
import { decodeOrigin } from "./store/origin-text.ts"

/**
 * Passes a claim to its consumer. Skips a consumer that was cancelled by an earlier delivery in this turn.
 */
export function deliver(
  claim: Claim,
  isEngineGone: () => boolean,
  settle: (settlement: Settlement) => Promise<void>,
): void {
  const delivery = newDelivery(claim, isEngineGone, settle)
  if (claim.queue.consumers.has(claim.consumer)) claim.consumer.onDelivery(delivery)
  else void delivery.release()
}

/** Calls `settle` only once, with the first settlement. */
function newDelivery(
  { message, queue }: Claim,
  isEngineGone: () => boolean,
  settle: (settlement: Settlement) => Promise<void>,
): Delivery {
  const { trace, lineage, replay } = decodeOrigin(message.trace)
  const lastFailure = decodeRetryFailure(message.failure)
  let settled: Promise<void> | undefined
  // A second settlement would corrupt the counts of another delivery.
  const once = (settlement: Settlement): Promise<void> => {
    settled ??= settle(settlement)
    return settled
  }
  return {
    queue: queue.declaration.name,
    body: message.body,
    priority: message.priority,
    attempt: message.attempt,
    lastFailure,
    failedAttempts: lastFailure?.attempts ?? 0,
    trace,
    lineage,
    replay,
    isForeign: false,
    malformed: null,
    get isLost() {
      return isEngineGone()
    },
    takenBackAt: null,
    ack: (fact) => once({ kind: "ack", fact }),
    retry: (delayMs, failure, fact) => once({ kind: "retry", delayMs, failure, fact }),
    deadLetter: (failure, fact) => once({ kind: "dead-letter", failure, fact }),
    release: (tried) =>
      isEngineGone() ? Promise.resolve() : once({ kind: "release", tried: tried ?? null }),
  }
}
