import type { RetryFailure } from "../../event/failure.ts"
import type { HistoryFact } from "../../event/history-fact.ts"
import type { Delivery, Tried } from "../engine.ts"

/** How a consumer settled an attempt. */
export type HeldSettlement =
  /** Resolves or rejects as the settlement does. */
  | { readonly kind: "settled"; readonly done: Promise<void> }
  | {
      readonly kind: "retry"
      readonly delayMs: number
      readonly failure: RetryFailure
      readonly fact: HistoryFact | undefined
      /** Ends the consumer's wait for its settlement. */
      readonly end: (done?: Promise<void>) => void
    }

/**
 * Makes the delivery of a further attempt of an event that is held for its key: a retry is not stored, because a new
 * delivery would come behind later events of the key.
 * @param tried attempts made with this delivery before; null for the first
 * @param onSettled called once
 */
export function heldDelivery(
  delivery: Delivery,
  tried: Tried | null,
  onSettled: (settlement: HeldSettlement) => void,
): Delivery {
  let settled: Promise<void> | undefined
  const settle = (start: () => Promise<void>): Promise<void> => {
    if (settled === undefined) {
      settled = start()
      onSettled({ kind: "settled", done: settled })
    }
    return settled
  }
  const hold = (delayMs: number, failure: RetryFailure, fact?: HistoryFact): Promise<void> => {
    if (settled === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>()
      settled = promise
      onSettled({ kind: "retry", delayMs, failure, fact, end: resolve })
    }
    return settled
  }
  return {
    queue: delivery.queue,
    body: delivery.body,
    priority: delivery.priority,
    attempt: tried === null ? delivery.attempt : tried.attempts + 1,
    lastFailure: tried?.failure ?? delivery.lastFailure,
    failedAttempts: tried?.failure.attempts ?? delivery.failedAttempts,
    trace: delivery.trace,
    lineage: delivery.lineage,
    replay: delivery.replay,
    isForeign: delivery.isForeign,
    malformed: delivery.malformed,
    get isLost() {
      return delivery.isLost
    },
    takenBackAt: delivery.takenBackAt,
    ack: (fact) => settle(() => delivery.ack(fact)),
    retry: hold,
    deadLetter: (failure, fact) => settle(() => delivery.deadLetter(failure, fact)),
    release: (triedNow) => settle(() => delivery.release(triedNow ?? tried ?? undefined)),
  }
}
