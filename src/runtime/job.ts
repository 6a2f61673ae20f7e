import type { ErrorSummary } from "../event/failure.ts"
import { type TraceContext, traceIdOf } from "../event/trace-context.ts"
import type { Call } from "./call.ts"
import type { ModuleManifest } from "./manifest.ts"
import type { HandlerOutcome } from "./messages.ts"

/** Which function of which module is to be run, for the events of which queue. */
interface JobTarget {
  /** The module's place in the list of manifests, which is the same in every worker. */
  readonly module: number
  readonly manifest: ModuleManifest
  /** Which of the module's functions: an event's name, or `*`. */
  readonly handler: string
  readonly queue: string
  readonly priority: number
  /** Run it with no other job beside it: the one before it crashed a worker. */
  readonly isAlone: boolean
  /** Whether nothing of it can be settled any more. It does not begin then. */
  readonly isLost: () => boolean
}

/** One attempt to have one event handled. */
export interface JobEvent {
  readonly eventId: string
  readonly body: string
  readonly attempt: number
  readonly lastError: ErrorSummary | null
  /** The trace that the event was published in. */
  readonly trace: TraceContext | null
}

export interface EventRequest extends JobTarget, JobEvent {}

/** Several events for one call. */
export interface BatchRequest extends JobTarget {
  readonly events: readonly JobEvent[]
}

export type JobRequest = EventRequest | BatchRequest

/** What a job is about, for the log. */
export function describeJob(request: JobRequest): Readonly<Record<string, unknown>> {
  const { queue, manifest } = request
  const about =
    "events" in request
      ? { batch: request.events.length }
      : { event_id: request.eventId, ...describeTrace(request.trace) }
  return { ...about, queue, module: manifest.file }
}

/** The trace of an event, for the log; nothing where there is none. */
export function describeTrace(trace: TraceContext | null): Readonly<Record<string, string>> {
  return trace === null ? {} : { trace_id: traceIdOf(trace) }
}

/** How a job ended. */
export type JobResult =
  | HandlerOutcome
  | { readonly kind: "timeout"; readonly error: ErrorSummary | null }
  | { readonly kind: "worker-crashed"; readonly error: ErrorSummary | null }
  /** It was not run to its end, through no fault of its own: the pool was stopped, or its delivery lost. */
  | { readonly kind: "returned" }

/** A request on its way through the pool. It is finished once; what comes after is ignored. */
export class Job {
  readonly id: number
  readonly request: JobRequest
  /** A suspect of a crash or a hang runs alone, to be found guilty or not. */
  isAlone: boolean
  /** The service stops: what the handler throws from now on is no fault of its own. */
  isInterrupted = false
  /** `overdue`: its timeout is over and it was told so; `abort-seen`: and its worker answered. */
  state: "waiting" | "sent" | "started" | "overdue" | "abort-seen" | "finished" = "waiting"
  /** The places of the events of a batch that were settled before the others. */
  readonly settledEvents = new Set<number>()
  /** For how long its function ran, in milliseconds, as far as that is known. */
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

  /** The trace that what its handler publishes belongs to. */
  get trace(): TraceContext | null {
    return this.#call?.trace ?? null
  }

  /** A worker is given it. */
  begin(call: Call): void {
    this.#call = call
  }

  get hasStarted(): boolean {
    return this.state === "started" || this.isOverdue
  }

  get isOverdue(): boolean {
    return this.state === "overdue" || this.state === "abort-seen"
  }

  /** Sets the job's one timer, in place of the one before. */
  setTimer(delayMs: number, onElapsed: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(onElapsed, delayMs)
  }

  /** Takes the job off a worker, to be run again by another. */
  reset(): void {
    clearTimeout(this.#timer)
    this.state = "waiting"
    this.#endCall("returned")
  }

  /** Whether nothing of it is left to be run. */
  get isSettled(): boolean {
    return "events" in this.request && this.settledEvents.size === this.request.events.length
  }

  /** Whether it is a batch with an event at this place. */
  hasEvent(place: number): boolean {
    return "events" in this.request && place < this.request.events.length
  }

  /** Settles one event of a batch, before the others. */
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

  /** What a handler throws once its signal is aborted is the doing of the timeout, or of the stop. */
  #explainFailure(result: Extract<JobResult, { kind: "failed" }>): JobResult {
    if (this.isOverdue) return { kind: "timeout", error: result.error }
    return this.isInterrupted ? { kind: "returned" } : result
  }
}
