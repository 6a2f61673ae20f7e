import type { Attempt } from "./attempt.ts"
import type { Job } from "./job.ts"
import type { ToWorker } from "./messages.ts"

/**
 * Returns the message that has a worker run a job: without the events of a batch that are settled.
 * @param slot place of the job on the worker's board
 */
export function runMessage(job: Job, slot: number): ToWorker {
  const { target, queue, priority, isBatch, attempts } = job.request
  const { module, handler } = target
  const call = { job: job.id, slot, priority, module, handler, queue }
  const [first] = attempts
  if (!isBatch && first !== undefined) return { kind: "run", ...call, ...eventOf(first), trace: job.trace }
  const events = attempts
    .map((attempt, place) => ({ place, ...eventOf(attempt) }))
    .filter(({ place }) => !job.settledEvents.has(place))
  return { kind: "run-batch", ...call, events }
}

/** Returns the part of an attempt that its function needs. */
const eventOf = ({ body, attempt, lastFailure, trace, lineage, replay }: Attempt) => ({
  body,
  attempt,
  lastError: lastFailure?.error ?? null,
  trace,
  causedBy: lineage?.causedBy ?? null,
  replay,
})
