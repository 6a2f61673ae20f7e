import type { FailureRecord } from "../event/failure.ts"
import type { TraceContext } from "../event/trace-context.ts"
import type { HandlerChoice } from "./handler-table.ts"

/** One run of the handler for one event. */
export interface Attempt {
  readonly choice: HandlerChoice
  readonly queue: string
  readonly eventId: string
  readonly body: string
  readonly priority: number
  readonly attempt: number
  readonly lastFailure: FailureRecord | null
  readonly trace: TraceContext | null
  /**
   * Returns true if the delivery can no longer be settled. The event is redelivered, and this attempt must not begin.
   */
  readonly isLost: () => boolean
}
