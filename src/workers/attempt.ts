import type { AttemptLog } from "../event/attempt-log.ts"
import type { ErrorSummary, RetryFailure } from "../event/failure.ts"
import type { Lineage } from "../event/lineage.ts"
import { type TraceContext, traceIdOf } from "../event/trace-context.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import type { HandlerOutcome } from "./messages.ts"

/** The function that handles an event. */
export interface HandlerTarget {
  /** The module set that has the function. */
  readonly generation: string
  /** Index of the module in the list of manifests, the same in every worker. */
  readonly module: number
  readonly manifest: ModuleManifest
  /** Key of the function in the module's `on`: an event's name, or `*`. */
  readonly handler: string
}

/** One run of a function for one event. It is made once, and goes to the worker as it is. */
export interface Attempt {
  readonly target: HandlerTarget
  readonly queue: string
  readonly eventId: string
  /** The event as JSON. */
  readonly body: string
  readonly priority: number
  /** 1 for the first attempt of the event on its queue. */
  readonly attempt: number
  /** The failure of the attempt before. */
  readonly lastFailure: RetryFailure | null
  /** The trace of the event. */
  readonly trace: TraceContext | null
  /** The lineage of the event. */
  readonly lineage: Lineage | null
  /** Id of the replay that delivers the event, or null. */
  readonly replay: string | null
  /** `type/name` of the event, for the lineage of those that its handler publishes. */
  readonly link: string
  /**
   * Returns true if the delivery can no longer be settled. The event is redelivered, and this attempt must not begin.
   */
  readonly isLost: () => boolean
  /** When the engine takes the delivery back, in milliseconds of `performance.now`. Null: never. */
  readonly takenBackAt: number | null
  /**
   * Called before the outcome with how long the function ran, in milliseconds, as far as is known; that of a batch is the
   * time of its call, or until it settled this event. The log has the last lines that the function wrote until then; null
   * if it wrote none.
   */
  readonly onRan?: (durationMs: number, log: AttemptLog | null) => void
}

/** The outcome of an attempt. */
export type Outcome =
  | HandlerOutcome
  | { readonly kind: "timeout"; readonly error: ErrorSummary | null }
  | { readonly kind: "worker-crashed"; readonly error: ErrorSummary | null }
  /** Interrupted, but not by the handler: the pool was stopped, or the delivery was lost. */
  | { readonly kind: "returned" }
  /** It has not run, or not to its end, and another module set is in use now, which decides anew. */
  | { readonly kind: "superseded" }

/** Runs attempts. */
export interface Executor {
  /** Runs an attempt. Never rejects. */
  run(attempt: Attempt): Promise<Outcome>
  /**
   * Runs several attempts of one function with one call. Each has its own outcome, by default that of the call. None
   * rejects.
   * @param isAlone true if nothing else may run beside them, to find out whether they took a worker down
   */
  runBatch(attempts: readonly Attempt[], isAlone: boolean): readonly Promise<Outcome>[]
}

/** Describes the trace of an event in fields of the log; none if it has no trace. */
export function describeTrace(trace: TraceContext | null): Readonly<Record<string, string>> {
  return trace === null ? {} : { trace_id: traceIdOf(trace) }
}
