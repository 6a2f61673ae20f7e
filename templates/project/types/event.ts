/** A stored event. */
export interface Event {
  readonly id: string
  readonly type: EventType
  readonly name: string
  readonly routing_key: string
  readonly payload: Record<string, unknown>
  readonly priority: Priority
  readonly metadata: Record<string, unknown>
  /** When it was accepted, in seconds since the epoch. */
  readonly timestamp: number
  readonly status: "pending"
  /** Number of retries: 0 on the first attempt. */
  readonly retry_count: number
  readonly ordering_key?: string
}

/** An event to publish, before defaults are filled in. */
export interface EventDraft {
  /** Repeat a publish with the same id. Default: a new UUIDv7. */
  readonly id?: string
  readonly type: EventType
  /** Words of letters, digits, _ and -, joined by dots. */
  readonly name: string
  /** The topic. Default: `events.<type>.<name>`. */
  readonly routing_key?: string
  readonly payload: Record<string, unknown>
  /** Default: medium. */
  readonly priority?: Priority
  readonly metadata?: Record<string, unknown>
  /** Events of one queue with the same key are handled one at a time, in their order. */
  readonly ordering_key?: string
}

export type EventType = "voice" | "user" | "system" | "notification" | "custom"

export type Priority = "low" | "medium" | "high" | "critical"

/** A place in a distributed trace, as in W3C Trace Context. */
export interface TraceContext {
  readonly traceparent: string
  readonly tracestate: string | null
}
