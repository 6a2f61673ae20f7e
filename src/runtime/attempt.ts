import type { FailureRecord } from "../event/failure.ts"
import type { TraceContext } from "../event/trace-context.ts"
import type { HandlerChoice } from "./handler-table.ts"

/** One attempt to have one event handled. */
export interface Attempt {
  readonly choice: HandlerChoice
  readonly queue: string
  readonly eventId: string
  readonly body: string
  readonly priority: number
  readonly attempt: number
  readonly lastFailure: FailureRecord | null
  readonly trace: TraceContext | null
  /** Whether the delivery can't be settled any more: the event is delivered again, and this attempt is not to begin. */
  readonly isLost: () => boolean
}
