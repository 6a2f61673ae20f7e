/** Messages between the pool and a worker. They are plain data; events are JSON text. */
import type { ErrorSummary, LOOP_SUSPECTED } from "../event/failure.ts"
import type { TraceContext } from "../event/trace-context.ts"
import type { LogLevel } from "../handlers/handler-module.ts"
import type { ModuleDescription } from "../handlers/manifest.ts"
import type { ModuleFile } from "../handlers/module-files.ts"
import type { ModuleFault } from "../handlers/module-load-error.ts"

/** The function to call, and the job that it is called for. */
interface RunTarget {
  readonly job: number
  /** Place of the job on the board. */
  readonly slot: number
  readonly priority: number
  /** Index of the module in the files of `load`. */
  readonly module: number
  /** Key of the function in the module's `on`. */
  readonly handler: string
  readonly queue: string
}

interface RunEvent extends RunTarget {
  readonly kind: "run"
  readonly body: string
  readonly attempt: number
  readonly lastError: ErrorSummary | null
  /** The trace of the handler's call. */
  readonly trace: TraceContext | null
  /** Id of the event whose handler published this one; null if none did. */
  readonly causedBy: string | null
  /** Id of the replay that delivers the event; null if none does. */
  readonly replay: string | null
}

interface RunBatch extends RunTarget {
  readonly kind: "run-batch"
  readonly events: readonly BatchEvent[]
}

/** The first message to a worker. All others go through the port, which handlers can't reach. */
export interface WorkerStart {
  readonly port: MessagePort
}

export type ToWorker =
  | {
      readonly kind: "load"
      readonly files: readonly ModuleFile[]
      /** Names the module set. */
      readonly generation: string
      /** A script that exports `modules`: for each file, a function that loads it. */
      readonly code: string
      readonly board: SharedArrayBuffer
      readonly logBudget: SharedArrayBuffer
      /** The heap that is too large, in bytes; 0: none is. */
      readonly memoryLimitBytes: number
    }
  | RunEvent
  | RunBatch
  /** Release what the modules hold: the worker has no jobs, and gets none any more. It may not have loaded all of them. */
  | { readonly kind: "tear-down" }
  /** Tell the use of memory and CPU time. */
  | { readonly kind: "measure" }
  | { readonly kind: "abort"; readonly job: number; readonly reason: string }
  | { readonly kind: "published"; readonly call: number; readonly event: string }
  | { readonly kind: "publish-failed"; readonly call: number; readonly error: PublishFailure }

export type FromWorker =
  | { readonly kind: "loaded"; readonly modules: readonly ModuleDescription[] }
  /** The next module is about to be imported. */
  | { readonly kind: "loading"; readonly file: string }
  | { readonly kind: "load-failed"; readonly file: string; readonly fault: ModuleFault }
  | {
      readonly kind: "settled"
      readonly job: number
      readonly outcome: HandlerOutcome
      /** How long the function ran. */
      readonly durationMs: number
      /** That of all calls of the function since the last one that was told; null while it is too little to tell. */
      readonly cpuTime: CpuTime | null
    }
  /** One event of a batch was settled before the others. */
  | {
      readonly kind: "event-settled"
      readonly job: number
      readonly place: number
      readonly outcome: HandlerOutcome
    }
  /** The worker's event loop still turns: the handler waits and does not spin. */
  | { readonly kind: "abort-seen"; readonly job: number }
  | { readonly kind: "publish"; readonly job: number; readonly call: number; readonly draft: string }
  | {
      readonly kind: "log"
      /** The job that writes the line; null outside of all jobs, such as while a module is loaded. */
      readonly job: number | null
      /** The call that writes the line: the pool does not know a job that has ended. */
      readonly call: CallSummary | null
      readonly level: LogLevel
      readonly message: string
      readonly fields: string
    }
  /** The worker's heap is larger than it may be. */
  | { readonly kind: "memory-exceeded"; readonly heapBytes: number }
  /** The answer: its heap at the last collection, and its CPU time since its start. */
  | { readonly kind: "measured"; readonly heapBytes: number; readonly cpuMs: number }
  /** A module is ready, and has something to release before the worker ends. */
  | { readonly kind: "holding" }
  /** The modules have released what they hold. */
  | { readonly kind: "torn-down" }
  /** Last message of a worker that ends by itself. */
  | ({ readonly kind: "crashing" } & LastWords)

/**
 * Why a worker ends by itself: an error that nobody caught, a promise that was rejected and that nobody awaits,
 * `process.exit`, or an error in the worker's own code.
 */
export const CRASH_CAUSES = ["error", "rejection", "exit", "own-code"] as const

/** A worker's own account of its end. */
export interface LastWords {
  readonly cause: (typeof CRASH_CAUSES)[number]
  readonly error: ErrorSummary
  /** The job that started the timer or the request that failed; null if none did, or if it can't be known. */
  readonly job: number | null
  /** The call of that job. */
  readonly call: CallSummary | null
  /** File of the handler module that the stack names, or that made the call; null if it is not known. */
  readonly module: string | null
}

/** A call of a function, for log lines after its end. */
export interface CallSummary {
  readonly generation: string
  readonly module: string
  readonly queue: string
  /** Null for a batch. */
  readonly eventId: string | null
  readonly attempt: number | null
}

/** An event of a batch, with its place in it. */
export interface BatchEvent {
  readonly place: number
  readonly body: string
  readonly attempt: number
  readonly lastError: ErrorSummary | null
  /** The trace of the event. */
  readonly trace: TraceContext | null
  /** As for a single event. */
  readonly causedBy: string | null
  /** Id of the replay that delivers the event; null if none does. */
  readonly replay: string | null
}

/** CPU time of a worker, in milliseconds. */
export interface CpuTime {
  /** That of one function. */
  readonly ownMs: number
  /** That of which nobody knows the function, because several were called and had not ended. */
  readonly sharedMs: number
}

/** The outcome of a handler's call, as the worker reports it. */
export type HandlerOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "retry"; readonly delayMs: number | null }
  | { readonly kind: "dead-letter"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: ErrorSummary; readonly isPermanent: boolean }
  /** A publish was refused because its events are probably in a loop, and the handler has not caught the error. */
  | { readonly kind: typeof LOOP_SUSPECTED; readonly error: ErrorSummary }

export interface PublishFailure {
  readonly name: string
  readonly message: string
  readonly code: string
  /** True if a publish with the same id may succeed later. */
  readonly retryable: boolean
}

/** Requests of a running handler to the main thread. */
export type PublishMessage = Extract<FromWorker, { kind: "publish" }>
export type LogMessage = Extract<FromWorker, { kind: "log" }>
