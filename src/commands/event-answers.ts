/** Answers of the service about its history, as far as commands read them. Times are in seconds since the epoch. */

export interface EventDelivery {
  readonly queue: string
  readonly state: string
  readonly attempts: number
  readonly reason: string | null
  readonly next_attempt_at: number | null
}

export interface EventSummary {
  readonly id: string
  readonly type: string | null
  readonly name: string | null
  readonly ordering_key: string | null
  readonly routing_key: string | null
  readonly status: string
  readonly published_at: number | null
  readonly caused_by: string | null
  readonly trace_id: string | null
  readonly queues: readonly EventDelivery[]
}

export interface EventPage {
  readonly events: readonly EventSummary[]
  readonly cursor: string | null
  readonly incomplete: string | null
}

/** Lines that an attempt wrote to the log. */
export interface AttemptLog {
  readonly lines: readonly { readonly at: number; readonly level: string; readonly text: string }[]
  /** Number of earlier lines that are left out. */
  readonly omitted: number
}

export interface TimelineEntry {
  readonly what: string
  readonly at: number
  readonly duration_ms?: number
  readonly attempt?: number
  readonly outcome?: string
  readonly reason?: string | null
  readonly error?: { readonly name: string; readonly message: string } | null
  readonly next_attempt_at?: number | null
  readonly module?: string
  readonly handler?: string
  readonly generation?: string
  readonly replay?: string | null
  readonly log?: AttemptLog | null
  /** Only of a redrive: true if the event was edited before. */
  readonly is_edited?: boolean
}

export interface EventHistory extends EventSummary {
  readonly publications: number
  readonly caused: readonly string[]
  readonly has_more_caused: boolean
  readonly incomplete: string | null
  readonly queues: readonly (EventDelivery & {
    readonly timeline: readonly TimelineEntry[]
    readonly omitted: number
  })[]
}

/** Returns the name of an event with its type; `unknown event` if the history does not have its publish. */
export const titleOf = ({ type, name }: Pick<EventSummary, "type" | "name">): string =>
  type === null || name === null ? "unknown event" : `${type}.${name}`
