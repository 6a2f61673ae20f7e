import { isEventId } from "./envelope.ts"
import type { Lineage } from "./lineage.ts"
import type { TraceContext } from "./trace-context.ts"

/** The origin of an event. It is stored beside the event. */
export interface Origin {
  /** The trace that the event was published in. */
  readonly trace: TraceContext | null
  /** The lineage of an event that a handler published; null for every other event. */
  readonly lineage: Lineage | null
  /** Id of the replay that put the event on its queue again; null for every other event. */
  readonly replay: string | null
}

/** Reads the stored id of a replay, which another program may have written. Returns null if it is none. */
export const readReplay = (value: unknown): string | null =>
  typeof value === "string" && isEventId(value) ? value : null
