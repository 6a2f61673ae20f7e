import type { Event } from "../event/envelope.ts"
import type { DeadLetterFailure, DeadLetterReason } from "../event/failure.ts"
import type { RoutingSpace } from "../event/routing-space.ts"

/** Selects dead letters to which all given filters apply; without filters, all of them. */
export interface DeadLetterSelection {
  /** Dead letters of these events. */
  readonly ids?: readonly string[]
  /** Dead letters with this reason. */
  readonly reason?: DeadLetterReason
  /** Dead letters whose event has this name. A message that is not an event has neither a name nor an id. */
  readonly name?: string
  /** Dead letters whose error, in one line with its name as `Error: busy`, contains this text. */
  readonly error?: string
  /** Dead letters whose error is exactly this text. Empty: dead letters without an error. */
  readonly wholeError?: string
  /**
   * Dead letters that failed last at this time or later, in milliseconds since the epoch. One of another program, whose
   * time is not known, is older than any time.
   */
  readonly since?: number
  /** Dead letters that failed last before this time. */
  readonly until?: number
  /**
   * Dead letters of events with a routing key in this space. Messages that are not events, and corrupt
   * events, are in none.
   */
  readonly within?: RoutingSpace
  /** At most this many, the oldest first. Default: no limit. */
  readonly limit?: number
}

/** The event that returns to the queue instead of that of the dead letter. */
export interface EditedEvent {
  /** Has the id, type, name and routing key of the dead letter's event. */
  readonly event: Event
  /** When the dead letter failed last, in milliseconds since the epoch. */
  readonly failedAt: number
  /** Recognizes the change: it is in the fact, so that a repetition is not made twice. */
  readonly fingerprint: string
}

export interface RedriveOptions {
  /**
   * Count the selected dead letters, whether or not the queue has room for them, and move nothing. Default:
   * false.
   */
  readonly dryRun?: boolean
  /** Store this event instead of the selected one: select one dead letter, by its id. Default: it returns as it is. */
  readonly edited?: EditedEvent | undefined
}

export interface Redriven {
  /** Number of moved dead letters; in a dry run, of selected ones. */
  readonly redriven: number
  /** Number of dead letters left in the queue; in a dry run, of those that would be left. */
  readonly remaining: number
  /**
   * Number of selected dead letters that were skipped because their event differs from what was stored;
   * absent if there are none.
   */
  readonly corrupt?: number
}

export interface Purged {
  readonly purged: number
  /** Number of dead letters left in the queue. */
  readonly remaining: number
}

export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[]
  /** Continues after the last dead letter that was read; null if there are no more. */
  readonly cursor: string | null
  /**
   * True if something else consumes the dead letters now: those that it has are not shown. False if nothing seems to. Absent
   * on an engine that shows all at any time.
   */
  readonly isBeingRead?: boolean
}

export interface DeadLetter {
  /** The event as it was. Not validated, and possibly not JSON: another program may have published it. */
  readonly body: string
  /** The bytes of a body that is not UTF-8, of which `body` is only a reading; absent for every other body. */
  readonly bytes?: Uint8Array
  /** Its times are 0 if they are unknown. */
  readonly failure: DeadLetterFailure
}
