import type { ErrorSummary } from "../event/failure.ts"
import { type TraceContext, traceIdOf } from "../event/trace-context.ts"
import type { Call } from "./call.ts"
import type { ModuleManifest } from "./manifest.ts"
import type { HandlerOutcome } from "./messages.ts"

/** The function to run, its module, and the queue of the events. */
interface JobTarget {
  /** Index of the module in the list of manifests, the same in every worker. */
  readonly module: number
  readonly manifest: ModuleManifest
  /** Key of the function in the module's `on`: an event's name, or `*`. */
  readonly handler: string
  readonly queue: string
  readonly priority: number
  /** Runs with no other job beside it, because its previous run crashed a worker. */
  readonly isAlone: boolean
  /** Returns true if none of its deliveries can be settled any more. The job does not begin then. */
  readonly isLost: () => boolean
}

/** One attempt of one event. */
export interface JobEvent {
  readonly eventId: string
  readonly body: string
  readonly attempt: number
  readonly lastError: ErrorSummary | null
  /** The trace of the event. */
  readonly trace: TraceContext | null
}

export interface EventRequest extends JobTarget, JobEvent {}

/** Several events for one call. */
export interface BatchRequest extends JobTarget {
  readonly events: readonly JobEvent[]
}

export type JobRequest = EventRequest | BatchRequest

/** Describes a job in fields of the log. */
export function describeJob(request: JobRequest): Readonly<Record<string, unknown>> {
  const { queue, manifest } = request
  const about =
    "events" in request
      ? { batch: request.events.length }
      : { event_id: request.eventId, ...describeTrace(request.trace) }
  return { ...about, queue, module: manifest.file }
}

/** Describes the trace of an event in fields of the log; none if it has no trace. */
export function describeTrace(trace: TraceContext | null): Readonly<Record<string, string>> {
  return trace === null ? {} : { trace_id: traceIdOf(trace) }
}

/** The result of a job. */
export type JobResult =
  | HandlerOutcome
  | { readonly kind: "timeout"; readonly error: ErrorSummary | null }
  | { readonly kind: "worker-crashed"; readonly error: ErrorSummary | null }
  /** Interrupted, but not by the handler: the pool was stopped, or the delivery was lost. */
  | { readonly kind: "returned" }

/** A request on its way through the pool. It is finished once; later results are ignored. */
export class Job {
  readonly id: number
  readonly request: JobRequest
  /** A suspect of a crash or a hang runs alone, to find out whether it is the cause. */
  isAlone: boolean
  /** The service is stopping, so an error of the handler is not its own fault. */
  isInterrupted = false
  /** `overdue`: its timeout is over and its signal is aborted. `abort-seen`: its worker has also answered. */
  state: "waiting" | "sent" | "started" | "overdue" | "abort-seen" | "finished" = "waiting"
  /** Places of the events of a batch that were settled before the others. */
  readonly settledEvents = new Set<number>()
  /** How long its function ran, in milliseconds, as far as is known. */
  durationMs = 0
  #call: Call | null = null
  readonly #finish: (result: JobResult) => void
  readonly #finishEvent: (place: number, result: JobResult) => void
  #timer: Timer | undefined

  constructor(
    id: number,
    request: JobRequest,
    finish: (result: JobResult) => void,
    finishEvent: (place: number, result: JobResult) => void = () => {},
  ) {
    this.id = id
    this.request = request
    this.isAlone = request.isAlone
    this.#finish = finish
    this.#finishEvent = finishEvent
  }

  /** The trace of the events that its handler publishes. */
  get trace(): TraceContext | null {
    return this.#call?.trace ?? null
  }

  /** Called when the job is given to a worker. */
  begin(call: Call): void {
    this.#call = call
  }

  get hasStarted(): boolean {
    return this.state === "started" || this.isOverdue
  }

  get isOverdue(): boolean {
    return this.state === "overdue" || this.state === "abort-seen"
  }

  /** Sets the job's only timer, which replaces the previous one. */
  setTimer(delayMs: number, onElapsed: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(onElapsed, delayMs)
  }

  /** Takes the job off its worker, so that another can run it. */
  reset(): void {
    clearTimeout(this.#timer)
    this.state = "waiting"
    this.#endCall("returned")
  }

  /** True if no event is left to run. */
  get isSettled(): boolean {
    return "events" in this.request && this.settledEvents.size === this.request.events.length
  }

  /** Returns true for a batch with an event at this place. */
  hasEvent(place: number): boolean {
    return "events" in this.request && place < this.request.events.length
  }

  /** Settles one event of a batch before the others. */
  finishEvent(place: number, outcome: HandlerOutcome): void {
    if (this.state === "finished" || this.settledEvents.has(place)) return
    this.settledEvents.add(place)
    this.#finishEvent(place, outcome)
  }

  finish(result: JobResult): void {
    if (this.state === "finished") return
    clearTimeout(this.#timer)
    const reported = result.kind === "failed" ? this.#explainFailure(result) : result
    this.state = "finished"
    this.#endCall(reported.kind)
    this.#finish(reported)
  }

  #endCall(result: JobResult["kind"]): void {
    this.#call?.end(result, this.durationMs)
    this.#call = null
  }

  /** Attributes an error after the abort of the signal to the timeout, or to the stop of the service. */
  #explainFailure(result: Extract<JobResult, { kind: "failed" }>): JobResult {
    if (this.isOverdue) return { kind: "timeout", error: result.error }
    return this.isInterrupted ? { kind: "returned" } : result
  }
}
