import { type Cause, hopsOf } from "../event/lineage.ts"
import { type Attempt, describeTrace, type HandlerTarget } from "./attempt.ts"
import type { CallSummary } from "./messages.ts"

/** One call of a function in a worker, for one attempt or for several. */
export interface JobRequest {
  readonly target: HandlerTarget
  readonly queue: string
  readonly priority: number
  /** Runs with no other job beside it, because an earlier run took a worker down. */
  readonly isAlone: boolean
  /** True if the function takes a list of events. */
  readonly isBatch: boolean
  /** One, unless it is a batch. */
  readonly attempts: readonly Attempt[]
  /** Returns true if none of the deliveries can be settled any more. The job does not begin then. */
  readonly isLost: () => boolean
  /** When the engine takes the first of the deliveries back, in milliseconds of `performance.now`; Infinity: never. */
  readonly takenBackAt: number
}

export const requestOf = (attempt: Attempt): JobRequest => ({
  target: attempt.target,
  queue: attempt.queue,
  priority: attempt.priority,
  isAlone: attempt.lastFailure?.reason === "worker-crashed",
  isBatch: false,
  attempts: [attempt],
  isLost: attempt.isLost,
  takenBackAt: attempt.takenBackAt ?? Number.POSITIVE_INFINITY,
})

/** @param first the first of the attempts */
export const batchRequestOf = (
  first: Attempt,
  attempts: readonly Attempt[],
  isAlone: boolean,
): JobRequest => ({
  target: first.target,
  queue: first.queue,
  priority: Math.max(...attempts.map(({ priority }) => priority)),
  isAlone,
  isBatch: true,
  attempts,
  isLost: () => attempts.every(({ isLost }) => isLost()),
  takenBackAt: Math.min(...attempts.map(({ takenBackAt }) => takenBackAt ?? Number.POSITIVE_INFINITY)),
})

/**
 * Returns the event that counts as the cause of what a job publishes; null for a job without events. Of a batch it is the
 * one with the most hops, and the first of these: nobody knows which one it was, and a loop through batches has to end.
 */
export function causeOf({ attempts }: JobRequest): Cause | null {
  const [first, ...others] = attempts
  if (first === undefined) return null
  const { eventId, link, lineage } = others.reduce(
    (most, each) => (hopsOf(each.lineage) > hopsOf(most.lineage) ? each : most),
    first,
  )
  return { id: eventId, link, lineage }
}

/** Describes a job in fields of the log. */
export function describeJob({
  queue,
  target,
  isBatch,
  attempts,
}: JobRequest): Readonly<Record<string, unknown>> {
  const [attempt] = attempts
  const about =
    isBatch || attempt === undefined
      ? { batch: attempts.length }
      : { event_id: attempt.eventId, ...describeTrace(attempt.trace) }
  return { ...about, queue, module: target.manifest.file, generation: target.generation }
}

/** Describes a call of a function that has ended, in fields of the log. */
export function describeCall(call: CallSummary | null): Readonly<Record<string, unknown>> {
  if (call === null) return {}
  const { generation, module, queue, eventId, attempt } = call
  return {
    ...(eventId !== null && { event_id: eventId }),
    queue,
    module,
    generation,
    ...(attempt !== null && { attempt }),
  }
}
