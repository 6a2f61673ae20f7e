/** The questions to the history, and its answers. All times are in milliseconds since the epoch. */
import type { AttemptLog } from "../event/attempt-log.ts"
import type { ErrorSummary } from "../event/failure.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import type { DeliveryState, EventStatus } from "./delivery-state.ts"

/** Selects events. An event has to match every field that is given, and one of the values of a list. */
export interface EventFilter {
  readonly types?: readonly string[] | undefined
  readonly names?: readonly string[] | undefined
  /** Queues that received the event. Together with `states`: queues on which it has one of them. */
  readonly queues?: readonly string[] | undefined
  readonly states?: readonly DeliveryState[] | undefined
  readonly status?: EventStatus | undefined
  /** Published at this time or later. */
  readonly since?: number | undefined
  /** Published before this time. */
  readonly until?: number | undefined
  readonly orderingKey?: string | undefined
  /** The trace id: 32 hexadecimal digits. */
  readonly trace?: string | undefined
  /** Id of the event whose handler published it. */
  readonly causedBy?: string | undefined
  /** Part of the payload's JSON text, case-sensitive. Quotes and line breaks are found as they were before escaping, too. */
  readonly text?: string | undefined
  /** Only events with a routing key in this space. Default: all, also those whose routing key is unknown. */
  readonly within?: RoutingSpace | undefined
}

export interface ListRequest extends EventFilter {
  /** Most events of a page; at least 1. */
  readonly limit: number
  /** Cursor of the previous page. Default: begin with the first event of the order. */
  readonly cursor?: string | undefined
  /** False for the order in which events were published. Default: true. */
  readonly newestFirst?: boolean | undefined
}

/** A page. It may be short or empty although more follows, because a step looks at a bounded number of events. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** Continues the list; null if nothing follows. */
  readonly cursor: string | null
}

/** An event without its body. */
export interface EventSummary {
  readonly id: string
  /** Null for an event whose publish the history does not have: only what happened later is known. */
  readonly type: string | null
  readonly name: string | null
  readonly routingKey: string | null
  readonly orderingKey: string | null
  readonly publishedAt: number | null
  /** Id of the event whose handler published it. */
  readonly causedBy: string | null
  readonly traceId: string | null
  readonly status: EventStatus
  /** False if only some of what happened later is known, so that other queues may have the event, too. */
  readonly areQueuesKnown: boolean
  readonly queues: readonly QueueSummary[]
}

/** The state of an event on one queue. */
export interface QueueSummary {
  readonly queue: string
  readonly state: DeliveryState
  /** When it entered its state. */
  readonly since: number
  /** Number of attempts, of all rounds: a redrive or a replay begins a new one. */
  readonly attempts: number
  /** Why the latest attempt failed, or why the event is a dead letter; null if neither is so. */
  readonly reason: string | null
  /** When the next attempt is due; null unless it retries. */
  readonly nextAt: number | null
  /** True if anything happened since the event was published. */
  readonly hasBegun: boolean
}

/** Everything that is known of an event. */
export interface EventHistory extends EventSummary {
  /** The event as JSON, byte for byte as it was published; null if it is unknown. */
  readonly body: string | null
  /** Number of publications with this id. The history of an id is that of the newest one. */
  readonly publications: number
  readonly queues: readonly QueueHistory[]
  /** Ids of the events that its handlers published, oldest first, at most `MAX_CAUSED`. */
  readonly caused: readonly string[]
  readonly hasMoreCaused: boolean
}

export interface QueueHistory extends QueueSummary {
  /** In order of time. */
  readonly timeline: readonly TimelineEntry[]
  /** Number of entries that were left out between the first and the last ones. */
  readonly omitted: number
}

export type TimelineEntry =
  | { readonly kind: "published"; readonly at: number }
  | TimelineAttempt
  | {
      readonly kind: "dead-lettered"
      readonly at: number
      readonly reason: string
      readonly error: ErrorSummary | null
    }
  /** With the edit of the event; null if it returned as it was. */
  | { readonly kind: "redriven"; readonly at: number; readonly edit: EditRecord | null }
  | { readonly kind: "replayed"; readonly at: number; readonly replay: string }
  | { readonly kind: "purged"; readonly at: number }

/** A run of the handler. */
export interface TimelineAttempt extends AttemptRecord {
  readonly kind: "attempt"
  readonly startedAt: number
}

/** A run as its fact tells it. */
export interface AttemptRecord {
  /** When it ended. */
  readonly at: number
  readonly durationMs: number
  /** 1 for the first of a round. */
  readonly attempt: number
  readonly outcome: "handled" | "retry" | "dead-letter"
  readonly reason: string | null
  /** The stack is kept of the first and the latest failure only. */
  readonly error: ErrorSummary | null
  readonly nextAt: number | null
  readonly module: string
  readonly handler: string
  readonly generation: string
  /** Id of the replay that delivered the event; null for other deliveries. */
  readonly replay: string | null
  /** The last lines that it wrote to the log; null if it wrote none. */
  readonly log: AttemptLog | null
}

/** The change of a dead letter that was edited before it returned to its queue. */
export interface EditRecord {
  /** When the dead letter failed last. */
  readonly failedAt: number
  readonly fingerprint: string
  /** The edited event as JSON; null if the fact does not have it. */
  readonly body: string | null
}

/** An event to be replayed. */
export interface SelectedEvent {
  readonly id: string
  /** The event as JSON, byte for byte as it was published. */
  readonly body: string
}

/** Unfinished deliveries of a queue. */
export interface UnfinishedQueue {
  readonly queue: string
  readonly retrying: number
  /** Since when the oldest waiting event waits; null if none waits. */
  readonly oldestWaitingAt: number | null
}

/** The questions, each with its parameters and its answer. */
export interface HistoryQueries {
  /** Null if the event is unknown, or its routing key is not in the space. */
  lookup(id: string, within?: RoutingSpace): EventHistory | null
  /** @throws {HistoryCursorError} */
  list(request: ListRequest): Page<EventSummary>
  /**
   * Returns events with their bodies in the order in which they were published, bounded in bytes. Events without a
   * body are skipped.
   * @throws {HistoryCursorError}
   */
  select(filter: EventFilter, limit: number, cursor?: string): Page<SelectedEvent>
  /**
   * Returns the queues that have unfinished deliveries, without those that the embedded engine has stored and that nothing
   * has happened to since: that engine counts them itself.
   */
  unfinished(): readonly UnfinishedQueue[]
}
