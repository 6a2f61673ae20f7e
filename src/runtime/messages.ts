/** What the pool and a worker say to each other. Only plain data crosses; events cross as JSON text. */
import type { ErrorSummary } from "../event/failure.ts"
import type { TraceContext } from "../event/trace-context.ts"
import type { LogLevel } from "./handler-module.ts"
import type { ModuleDescription } from "./manifest.ts"
import type { ModuleFault } from "./module-load-error.ts"

/** Which function is to be called, for which job. */
interface RunTarget {
  readonly job: number
  /** Its place on the board. */
  readonly slot: number
  readonly priority: number
  /** Which of the files, by its place in `load`, and which of its functions. */
  readonly module: number
  readonly handler: string
  readonly queue: string
}

interface RunEvent extends RunTarget {
  readonly kind: "run"
  readonly body: string
  readonly attempt: number
  readonly lastError: ErrorSummary | null
  /** The trace that the handler's call belongs to. */
  readonly trace: TraceContext | null
}

interface RunBatch extends RunTarget {
  readonly kind: "run-batch"
  readonly events: readonly BatchEvent[]
}

/** The first thing that a worker is told. All else goes through the port, which handlers have no way to. */
export interface WorkerStart {
  readonly port: MessagePort
}

export type ToWorker =
  | {
      readonly kind: "load"
      readonly files: readonly ModuleFile[]
      readonly board: SharedArrayBuffer
      readonly logBudget: SharedArrayBuffer
    }
  | RunEvent
  | RunBatch
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
      /** For how long the function ran. */
      readonly durationMs: number
    }
  /** One event of a batch, before the others. */
  | {
      readonly kind: "event-settled"
      readonly job: number
      readonly place: number
      readonly outcome: HandlerOutcome
    }
  /** The worker's event loop still turns: the handler waits, it does not spin. */
  | { readonly kind: "abort-seen"; readonly job: number }
  | { readonly kind: "publish"; readonly job: number; readonly call: number; readonly draft: string }
  | {
      readonly kind: "log"
      /** The job that writes; null outside of all jobs, such as while a module is loaded. */
      readonly job: number | null
      readonly level: LogLevel
      readonly message: string
      readonly fields: string
    }
  /** The last words of a worker that an uncaught error ends. */
  | { readonly kind: "crashing"; readonly error: ErrorSummary }

/** An event of a batch, with its place in it. */
export interface BatchEvent {
  readonly place: number
  readonly body: string
  readonly attempt: number
  readonly lastError: ErrorSummary | null
  /** The trace that the event was published in. */
  readonly trace: TraceContext | null
}

export interface ModuleFile {
  /** The file's name within `HANDLERS_DIR`, for messages. */
  readonly name: string
  readonly path: string
}

/** How a handler's call ended, in its own words. */
export type HandlerOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "retry"; readonly delayMs: number | null }
  | { readonly kind: "dead-letter"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: ErrorSummary; readonly isPermanent: boolean }

export interface PublishFailure {
  readonly name: string
  readonly message: string
  readonly code: string
  /** Whether a publish with the same id may succeed later. */
  readonly retryable: boolean
}
