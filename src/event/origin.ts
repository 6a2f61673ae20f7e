import type { Lineage } from "./lineage.ts"
import type { TraceContext } from "./trace-context.ts"

/** The origin of an event. It is stored beside the event. */
export interface Origin {
  /** The trace that the event was published in. */
  readonly trace: TraceContext | null
  /** The lineage of an event that a handler published; null for every other event. */
  readonly lineage: Lineage | null
}
