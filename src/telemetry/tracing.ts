import type { TraceContext } from "../event/trace-context.ts"

/** A step of a trace, from its beginning to its end. */
export interface Span {
  /** Where in a trace what this step causes happens; null where there is no trace. */
  readonly trace: TraceContext | null
  /** @param failure a class of failures, of few values; null where it went well */
  end(failure: string | null): void
}

/** An event that is published. */
export interface PublishStep {
  readonly eventId: string
  readonly routingKey: string
}

/** A call of a handler's function, for one event or several. */
export interface ProcessStep {
  readonly queue: string
  readonly handler: string
  readonly events: readonly { readonly eventId: string; readonly trace: TraceContext | null }[]
}

/** Takes note of the steps of events, and says in which trace each happens. */
export interface Tracing {
  publishing(step: PublishStep, parent: TraceContext | null): Span
  processing(step: ProcessStep): Span
  /** Hands over what it has noted. */
  stop(): Promise<void>
}

/** Takes no notes: a trace goes through as it came. */
export const PASSING_THROUGH: Tracing = {
  publishing: (_step, parent) => ({ trace: parent, end() {} }),
  processing: ({ events }) => ({ trace: events.length === 1 ? (events[0]?.trace ?? null) : null, end() {} }),
  async stop() {},
}
