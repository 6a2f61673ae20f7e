import type { TraceContext } from "../event/trace-context.ts"
import type { Outcome } from "./attempt.ts"
import type { JobLog } from "./job-log.ts"
import type { JobRequest } from "./job-request.ts"
import type { JobSpan } from "./job-span.ts"
import type { CpuTime, HandlerOutcome } from "./messages.ts"

/** A request on its way through the pool. It is finished once; later results are ignored. */
export class Job {
  readonly id: number
  readonly request: JobRequest
  /** A suspect of a crash or a hang runs alone, to find out whether it is the cause. */
  isAlone: boolean
  /** The service is stopping, so an error of the handler is not its own fault. */
  isInterrupted = false
  #state: "waiting" | "sent" | "started" | "overdue" | "abort-seen" | "finished" = "waiting"
  /** Places of the events of a batch that were settled before the others. */
  readonly settledEvents = new Set<number>()
  /** How long its function ran, in milliseconds, as far as is known. */
  durationMs = 0
  /** The lines that its function writes to the log; null before the first. */
  log: JobLog | null = null
  #span: JobSpan | null = null
  #timesSpared = 0
  readonly #finish: (result: Outcome) => void
  readonly #finishEvent: (place: number, result: Outcome) => void
  #timer: Timer | undefined

  constructor(
    id: number,
    request: JobRequest,
    finish: (result: Outcome) => void,
    finishEvent: (place: number, result: Outcome) => void = () => {},
  ) {
    this.id = id
    this.request = request
    this.isAlone = request.isAlone
    this.#finish = finish
    this.#finishEvent = finishEvent
  }

  /** The trace of the events that its handler publishes. */
  get trace(): TraceContext | null {
    return this.#span?.trace ?? null
  }

  /** True if its function has begun, as far as is known. */
  get hasStarted(): boolean {
    return this.#state === "started" || this.isOverdue
  }

  /** True if its timeout is over. */
  get isOverdue(): boolean {
    return this.#state === "overdue" || this.#state === "abort-seen"
  }

  /** True if its worker has answered to the abort: its handler waits for something, and does not spin. */
  get isAbortSeen(): boolean {
    return this.#state === "abort-seen"
  }

  /** Called when the job is sent to a worker. */
  sent(): void {
    this.#state = "sent"
  }

  /** Called if its function had begun when the worker was lost. */
  started(): void {
    if (this.#state === "sent") this.#state = "started"
  }

  /** Called when its timeout is over and its signal is aborted. */
  overdue(): void {
    this.#state = "overdue"
  }

  /** Called when its worker has answered to the abort. */
  abortSeen(): void {
    if (this.#state === "overdue") this.#state = "abort-seen"
  }

  /** Called when the job is given to a worker. */
  begin(span: JobSpan): void {
    this.#span = span
  }

  /** Records the CPU time of its function, also for other calls of it. */
  usedCpu(time: CpuTime): void {
    this.#span?.usedCpu(time)
  }

  /** Sets the job's only timer, which replaces the previous one. */
  setTimer(delayMs: number, onElapsed: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(onElapsed, delayMs)
  }

  /** Takes the job off its worker, so that another can run it. */
  reset(): void {
    clearTimeout(this.#timer)
    this.#state = "waiting"
    this.#endSpan("returned")
    this.log = null
  }

  /**
   * Counts an end of its worker that was not its fault.
   * @param most how often that is believed
   * @returns whether it is believed once more
   */
  spare(most: number): boolean {
    this.#timesSpared++
    return this.#timesSpared <= most
  }

  /** True if no event is left to run. */
  get isSettled(): boolean {
    return this.request.isBatch && this.settledEvents.size === this.request.attempts.length
  }

  /** Returns true for a batch with an event at this place. */
  hasEvent(place: number): boolean {
    return this.request.isBatch && place < this.request.attempts.length
  }

  /** Settles one event of a batch before the others. */
  finishEvent(place: number, outcome: HandlerOutcome): void {
    if (this.#state === "finished" || this.settledEvents.has(place)) return
    this.settledEvents.add(place)
    this.#span?.endEvent(place, this.durationMs, this.log)
    this.#finishEvent(place, outcome)
  }

  finish(result: Outcome): void {
    if (this.#state === "finished") return
    clearTimeout(this.#timer)
    const reported = result.kind === "failed" ? this.#explainFailure(result) : result
    this.#state = "finished"
    this.#endSpan(reported.kind)
    this.#finish(reported)
  }

  #endSpan(result: Outcome["kind"]): void {
    this.#span?.end(result, this.durationMs, this.log)
    this.#span = null
  }

  /** Attributes an error after the abort of the signal to the timeout, or to the stop of the service. */
  #explainFailure(result: Extract<Outcome, { kind: "failed" }>): Outcome {
    if (this.isOverdue) return { kind: "timeout", error: result.error }
    return this.isInterrupted ? { kind: "returned" } : result
  }
}

export const requestsOf = (jobs: readonly Job[]): readonly JobRequest[] => jobs.map(({ request }) => request)
