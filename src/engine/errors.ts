export type PublishErrorCode =
  /** No queue is bound for the routing key. */
  | "unroutable"
  /** A queue that the event is routed to is at its length limit, and refuses. */
  | "queue-full"
  /** The engine can't store at this moment. */
  | "engine-unavailable"
  /** There was no confirm in time, or the connection was lost before it. */
  | "confirm-timeout"
  /** More publishes wait for their confirm than are allowed. */
  | "too-many-in-flight"

/** Whether a publish that failed may have been stored all the same. */
export type PublishOutcome = "not-stored" | "unknown"

/** A valid event that was not confirmed. */
export class PublishError extends Error {
  override readonly name = "PublishError"

  readonly code: PublishErrorCode
  readonly outcome: PublishOutcome

  constructor(
    code: PublishErrorCode,
    message: string,
    outcome: PublishOutcome = "not-stored",
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.outcome = outcome
  }
}

/** What was asked of the engine, other than to publish, can't be told at this moment. */
export class EngineUnavailableError extends Error {
  override readonly name = "EngineUnavailableError"
}

/** There is no such queue. The message names it, and those that there are. */
export class UnknownQueueError extends Error {
  override readonly name = "UnknownQueueError"
  readonly queue: string

  constructor(queue: string, known: Iterable<string>) {
    super(
      `there is no queue ${JSON.stringify(queue)}; there are ${[...known].toSorted().join(", ") || "none"}`,
    )
    this.queue = queue
  }
}

/** The engine can't be used as it was configured. The message is one sentence for whoever starts it. */
export class EngineStartError extends Error {
  override readonly name = "EngineStartError"
}
