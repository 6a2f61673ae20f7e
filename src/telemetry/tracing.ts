import type { TraceContext } from "../event/trace-context.ts"

/** A step of a trace. */
export interface Span {
  /** Context of this step, for what it causes; null if there is no trace. */
  readonly trace: TraceContext | null
  /** @param failure class of the failure, of few values; null on success */
  end(failure: string | null): void
}

/** The publish of an event. */
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

/** Records the steps of events, and returns the trace of each. */
export interface Tracing {
  publishing(step: PublishStep, parent: TraceContext | null): Span
  processing(step: ProcessStep): Span
  /** Sends the recorded spans. */
  stop(): Promise<void>
}

/** The step of an event without a trace, where nothing is recorded. */
const NO_SPAN: Span = { trace: null, end() {} }

const passingOn = (trace: TraceContext | null): Span => (trace === null ? NO_SPAN : { ...NO_SPAN, trace })

/** Records nothing, and passes traces on as they came. */
export const PASSING_THROUGH: Tracing = {
  publishing: (_step, parent) => passingOn(parent),
  processing: ({ events }) => passingOn(events.length === 1 ? (events[0]?.trace ?? null) : null),
  async stop() {},
}
