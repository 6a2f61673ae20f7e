/**
 * The statistics of a queue. At any moment, each of its events is in exactly one of `messageCount`, `unsettledCount`,
 * `retryingCount` and `deadLetterCount`, or has been taken by another process.
 */
export interface QueueStats {
  readonly name: string
  readonly bindings: readonly string[]
  /** Events in the queue: they wait to be delivered, and no consumer has them. */
  readonly messageCount: number
  /**
   * Events that consumers of this process have taken and not settled, including those that are about to be delivered or
   * are held for their ordering key.
   */
  readonly unsettledCount: number
  /** How many of the unsettled events have an outcome that is not stored yet. A release is none. */
  readonly settlingCount: number
  /**
   * Events that the engine stores until their next attempt is due. Events that are held for their ordering key are
   * unsettled instead. Null if the engine can't say.
   */
  readonly retryingCount: number | null
  /**
   * How long the event that came first has been in the queue, in milliseconds; a retry and a redrive begin anew. 0 if the
   * queue is empty; null if the engine can't say.
   */
  readonly oldestWaitingMs: number | null
  readonly consumerCount: number
  /**
   * Nothing consumes it, because another instance has paused it. False if that is not known, and on an engine without other
   * instances.
   */
  readonly isHeldElsewhere: boolean
  readonly deadLetterCount: number
  /** Most events that may wait. */
  readonly maxLength: number
  readonly overflow: "reject-publish" | "drop-head"
}
