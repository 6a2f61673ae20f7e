import type { RoutingSpace } from "../event/routing-space.ts"
import type { EventFilter } from "../history/history-query.ts"

/** The events to replay: those that match a filter, or those with these ids, in this order. */
export type ReplaySelection =
  | {
      readonly kind: "filter"
      readonly filter: EventFilter
      /** Only events whose routing key matches one of these topic patterns; null: all. */
      readonly topics: readonly string[] | null
    }
  | {
      readonly kind: "ids"
      readonly ids: readonly string[]
      /** Only those with a routing key in this space; null: all. */
      readonly within: RoutingSpace | null
    }

export interface ReplayOrder {
  readonly queue: string
  readonly selection: ReplaySelection
  /** Most events per second. */
  readonly rate: number
}

export const REPLAY_STATES = [
  /** It goes on, or waits for room in its queue. */
  "running",
  "done",
  /** Somebody ended it. It can be resumed, as the following ones can. */
  "aborted",
  /** The service ended during it. */
  "interrupted",
  /** The engine refuses its events for good. */
  "failed",
] as const

export type ReplayState = (typeof REPLAY_STATES)[number]

/** A place among the selected events. */
export interface ReplayPlace {
  /** Cursor of the page in the history; null for the first one. */
  readonly cursor: string | null
  /** Number of events of the page that are done. */
  readonly done: number
}

/** Times are in milliseconds since the epoch. */
export interface Replay extends ReplayOrder {
  readonly id: string
  readonly state: ReplayState
  /** Number of events that were selected when it began. */
  readonly selected: number
  /** Number of events that were put on the queue. */
  readonly replayed: number
  /** Number of ids that the history does not know, or without their event. */
  readonly missing: number
  readonly beganAt: number
  readonly endedAt: number | null
  /** Why it waits, or why it failed; null otherwise. */
  readonly reason: string | null
  /** The place where it goes on if it is resumed. */
  readonly place: ReplayPlace
}

/** There is no such replay. */
export class UnknownReplayError extends Error {
  override readonly name = "UnknownReplayError"

  constructor(id: string) {
    super(`this instance has no replay ${JSON.stringify(id)}; each instance knows its own`)
  }
}

/** A replay can't be begun or resumed now. The message says why. */
export class ReplayConflictError extends Error {
  override readonly name = "ReplayConflictError"
}
