import type { ErrorSummary } from "../event/failure.ts"
import { type TraceContext, traceIdOf } from "../event/trace-context.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
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
