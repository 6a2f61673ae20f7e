/** The answers of the API, as far as the console reads them. Times are in seconds since the epoch. */

export type Scope = "publish" | "read" | "admin"

export const EVENT_TYPES = ["voice", "user", "system", "notification", "custom"] as const

/** The rights of the key, and the configuration of the console. */
export interface Me {
  readonly name: string | null
  readonly scopes: readonly Scope[]
  readonly types: readonly string[] | null
  /** True if the service records what becomes of events. */
  readonly has_history: boolean
  readonly console: { readonly mode: "on" | "read-only" | "off"; readonly label: string }
  readonly version: string
  readonly engine: string
}

export interface Check {
  readonly status: "up" | "degraded" | "down"
  readonly detail?: string
}

export interface Health {
  readonly status: "ready" | "degraded" | "starting" | "unavailable" | "stopping"
  readonly version: string
  readonly engine: string
  readonly uptime_seconds: number
  readonly generation: string
  readonly checks: Readonly<Record<"engine" | "pool" | "consumers" | "queues" | "modules", Check>>
}

export interface Queue {
  readonly name: string
  readonly bindings: readonly string[]
  readonly waiting: number
  readonly running: number
  /** Waiting events that nothing has taken: the limit counts these. Absent, as the next two, from services that do not tell. */
  readonly queued?: number
  /** Null if it is not known. */
  readonly retrying?: number | null
  /** In seconds; 0 if no event waits, null if it is not known. */
  readonly oldest_waiting_age?: number | null
  readonly dead_letters: number
  readonly consumers: number
  readonly max_length: number
  readonly overflow: "reject-publish" | "drop-head"
  readonly has_module: boolean
  readonly is_paused: boolean
  readonly is_busy: boolean
  readonly is_orphaned: boolean
}

export interface HandlerModule {
  readonly file: string
  readonly queue: string
  readonly bind: readonly string[]
  readonly functions: readonly string[]
  readonly attempts: number
  readonly timeout_ms: number
  readonly concurrency: number | null
  readonly batch_size: number | null
}

export interface ModuleFault {
  readonly module: string | null
  readonly message: string
  readonly file: string | null
  readonly line: number | null
  readonly column: number | null
  readonly frame: readonly string[]
}

export interface ModuleSet {
  readonly generation: string
  readonly since: number
  readonly modules: readonly HandlerModule[]
  readonly rejected: { readonly at: number; readonly faults: readonly ModuleFault[] } | null
}

/** A worker of this instance. */
export interface WorkerState {
  /** Null for one whose place another one has. */
  readonly place: number | null
  readonly state: "starting" | "ready" | "waiting" | "finishing"
  readonly generation: string | null
  readonly jobs: number
  readonly memory_bytes: number | null
  /** 1 is a whole core; null, as the next one, if it is not known. */
  readonly cpu_share: number | null
  readonly cpu_seconds: number | null
  readonly is_responding: boolean
  readonly ready_seconds: number
  readonly replaced: number
}

/** The modules with their workers. Services before it do not tell of those. */
export interface RunningModules extends ModuleSet {
  readonly workers?: readonly WorkerState[]
  readonly worker_memory_limit_bytes?: number | null
}

/** Counts in steps of the same length, the oldest first. */
export interface Throughput {
  readonly step_seconds: number
  readonly ends_at: number
  readonly published: readonly number[]
  readonly handled: readonly number[]
  readonly failed: readonly number[]
}

export interface Overview {
  readonly at: number
  readonly health: Health
  readonly queues: readonly Queue[]
  readonly is_complete: boolean
  readonly modules: ModuleSet
  /** Null if it is not known; absent from services that do not tell. */
  readonly instances?: number | null
  readonly throughput: Throughput
}

/** An event as it is stored. */
export interface StoredEvent {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly routing_key: string
  readonly payload: unknown
  readonly priority: string
  readonly metadata: unknown
  readonly ordering_key?: string
  readonly timestamp: number
}

export interface ErrorSummary {
  readonly name: string
  readonly message: string
  readonly stack?: string
}

export interface EventDelivery {
  readonly queue: string
  readonly state: string
  readonly since: number
  readonly attempts: number
  readonly reason: string | null
  readonly next_attempt_at: number | null
}

export interface EventSummary {
  readonly id: string
  readonly type: string | null
  readonly name: string | null
  readonly routing_key: string | null
  readonly ordering_key: string | null
  readonly status: "pending" | "processing" | "completed" | "failed" | "unknown"
  readonly published_at: number | null
  readonly caused_by: string | null
  readonly trace_id: string | null
  readonly queues: readonly EventDelivery[]
}

export interface EventList {
  readonly count: number
  readonly events: readonly EventSummary[]
  readonly cursor: string | null
}

/** Parameters of a search of the history. */
export type EventQuery = Readonly<Record<string, string | number | undefined>>

/** The last lines that an attempt wrote to the log. */
export interface AttemptLog {
  readonly lines: readonly { readonly at: number; readonly level: string; readonly text: string }[]
  /** Number of earlier lines that are left out. */
  readonly omitted: number
}

export interface TimelineEntry {
  readonly what: string
  readonly at: number
  readonly started_at?: number
  readonly duration_ms?: number
  readonly attempt?: number
  readonly outcome?: string
  readonly reason?: string | null
  readonly error?: ErrorSummary | null
  readonly next_attempt_at?: number | null
  readonly module?: string
  readonly handler?: string
  readonly generation?: string
  /** Absent from services that do not tell. */
  readonly log?: AttemptLog | null
  /** Only of a redrive. */
  readonly is_edited?: boolean
  /** The event as it was edited; null if it is too long to be kept. */
  readonly edited_event?: StoredEvent | null
}

export interface EventTimeline extends EventDelivery {
  readonly timeline: readonly TimelineEntry[]
  readonly omitted: number
}

export interface EventHistory extends Omit<EventSummary, "queues"> {
  readonly event: StoredEvent | null
  readonly publications: number
  readonly caused: readonly string[]
  readonly has_more_caused: boolean
  readonly queues: readonly EventTimeline[]
}

export interface DeadLetter {
  readonly queue: string
  /** The event, or the JSON of another program. */
  readonly event?: unknown
  readonly body?: string
  readonly body_base64?: string
  readonly reason: string
  readonly attempts: number
  readonly first_failed_at: number | null
  readonly last_failed_at: number | null
  readonly error: ErrorSummary | null
  readonly module: string | null
}

export interface DeadLetterPage {
  readonly count: number
  readonly dead_letters: readonly DeadLetter[]
  readonly cursor: string | null
}

export interface EventSchemas {
  readonly type: string
  readonly name: string
  readonly versions: readonly number[]
}

export interface Verdict {
  readonly is_valid: boolean
  readonly schema_version: number
  readonly errors: readonly { readonly pointer: string; readonly message: string }[]
}

export interface Receipt {
  readonly id: string
}

export interface Replay {
  readonly id: string
  readonly queue: string
  readonly state: "running" | "done" | "aborted" | "interrupted" | "failed"
  readonly selected: number
  readonly replayed: number
  readonly missing: number
  readonly began_at: number
  readonly reason: string | null
}
