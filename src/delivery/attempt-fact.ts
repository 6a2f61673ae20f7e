import type { Delivery } from "../engine/engine.ts"
import type { AttemptLog } from "../event/attempt-log.ts"
import type { Event } from "../event/envelope.ts"
import type { AttemptFact } from "../event/history-fact.ts"
import type { HandlerTarget } from "../workers/attempt.ts"
import type { Decision } from "./delivery-policy.ts"

/** A run of a handler that has ended, and what was decided then. */
export interface EndedAttempt {
  readonly delivery: Pick<Delivery, "queue" | "isForeign" | "replay">
  readonly event: Event
  readonly target: HandlerTarget
  readonly attempt: number
  readonly durationMs: number
  /** The last lines that it wrote to the log; null if it wrote none. */
  readonly log: AttemptLog | null
  /** Milliseconds since the epoch. */
  readonly now: number
}

const OUTCOMES = { ack: "handled", retry: "retry", "dead-letter": "dead-letter" } as const

/** Returns the fact of an attempt; undefined if it counts as none. */
export function attemptFact(ended: EndedAttempt, decision: Decision): AttemptFact | undefined {
  if (decision.kind === "release") return undefined
  const { delivery, event, target, attempt, durationMs, log, now } = ended
  const fact: AttemptFact = {
    fact: "attempt",
    at: now,
    id: event.id,
    published_at: Math.round(event.timestamp * 1_000),
    queue: delivery.queue,
    attempt,
    duration_ms: Math.round(durationMs * 1_000) / 1_000,
    outcome: OUTCOMES[decision.kind],
    module: target.manifest.file,
    handler: target.handler,
    generation: target.generation,
  }
  const { replay, isForeign } = delivery
  // As nearly all are.
  if (decision.kind === "ack" && replay === null && log === null && !isForeign) return fact
  const failure = decision.kind === "ack" ? null : decision.failure
  return {
    ...fact,
    ...(replay !== null && { replay }),
    ...(log !== null && { log }),
    ...(failure && { reason: failure.reason }),
    ...(failure?.error && { error: failure.error }),
    ...(decision.kind === "retry" && { next_at: now + decision.delayMs }),
    ...(isForeign && { event }),
  }
}
