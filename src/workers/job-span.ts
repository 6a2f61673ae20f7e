import type { TraceContext } from "../event/trace-context.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Span, Tracing } from "../telemetry/tracing.ts"
import type { Attempt, Outcome } from "./attempt.ts"
import type { JobLog } from "./job-log.ts"
import type { JobRequest } from "./job-request.ts"
import type { CpuTime } from "./messages.ts"
import type { RunningEvents } from "./running-events.ts"

/** Records the runs of handlers. */
export interface JobObservers {
  readonly metrics: Metrics
  readonly tracing: Tracing
  readonly running: RunningEvents
}

/** Results that the handler intended. */
const INTENDED: ReadonlySet<Outcome["kind"]> = new Set(["done", "retry", "dead-letter"])

/** Results of a job that was not run to its end, through no fault of its handler. */
const WITHOUT_RUN: ReadonlySet<Outcome["kind"]> = new Set(["returned", "superseded"])

/** A run of a job in metrics and traces. It lasts from when a worker gets the job until the result. */
export class JobSpan {
  readonly #request: JobRequest
  readonly #metrics: Metrics
  readonly #running: RunningEvents
  readonly #span: Span
  /** The attempts that the worker has, without those of a batch that were settled before the others. */
  readonly #open: Set<Attempt>

  /** @param settled places of the events of a batch that an earlier run has settled */
  constructor(
    request: JobRequest,
    settled: ReadonlySet<number>,
    { metrics, tracing, running }: JobObservers,
  ) {
    const { queue, target, attempts } = request
    this.#open = new Set(attempts.filter((_, place) => !settled.has(place)))
    this.#request = request
    this.#metrics = metrics
    this.#running = running
    running.begin(queue, this.#open)
    this.#span = tracing.processing({
      queue,
      handler: target.handler,
      events: attempts,
    })
  }

  /** The trace of the events that the handler publishes. */
  get trace(): TraceContext | null {
    return this.#span.trace
  }

  usedCpu({ ownMs, sharedMs }: CpuTime): void {
    const { queue, target } = this.#request
    this.#metrics.usedCpu(queue, target.handler, ownMs / 1_000, sharedMs / 1_000)
  }

  /** Call it when an event of a batch is settled before the others. @param log as in `end` */
  endEvent(place: number, durationMs: number, log: JobLog | null): void {
    const { queue, attempts } = this.#request
    const attempt = attempts[place]
    if (attempt === undefined) return
    this.#open.delete(attempt)
    attempt.onRan?.(durationMs, log === null ? null : log.forEach(attempts.length))
    this.#running.end(queue, [attempt])
  }

  /** @param log the lines that it wrote to the log; null if there are none */
  end(result: Outcome["kind"], durationMs: number, log: JobLog | null): void {
    const { queue, target, attempts } = this.#request
    this.#running.end(queue, this.#open)
    if (!WITHOUT_RUN.has(result)) this.#metrics.handled(queue, target.handler, result, durationMs / 1_000)
    const lines = log === null ? null : log.forEach(attempts.length)
    for (const { onRan } of this.#open) onRan?.(durationMs, lines)
    this.#span.end(INTENDED.has(result) ? null : result)
  }
}
