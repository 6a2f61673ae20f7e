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
  /** The event is larger than the engine takes. */
  | "payload-too-large"
  /** The engine takes no such event, for a reason that an operator has to remove: RabbitMQ's permissions, for one. */
  | "engine-refused"

const PERMANENT: ReadonlySet<PublishErrorCode> = new Set([
  "unroutable",
  "payload-too-large",
  "engine-refused",
])

/** Whether a publish that failed may have been stored all the same. */
export type PublishOutcome = "not-stored" | "unknown"

/** A valid event that was not confirmed. */
export class PublishError extends Error {
  override readonly name = "PublishError"

  readonly code: PublishErrorCode
  readonly outcome: PublishOutcome
  /** The queue that is full; null for every other code, and if it is not known. */
  readonly queue: string | null

  constructor(
    code: PublishErrorCode,
    message: string,
    outcome: PublishOutcome = "not-stored",
    { queue = null, ...options }: ErrorOptions & { readonly queue?: string | null } = {},
  ) {
    super(message, options)
    this.code = code
    this.outcome = outcome
    this.queue = queue
  }

  /** The same publish fails again, however often it is repeated. */
  get isPermanent(): boolean {
    return PERMANENT.has(this.code)
  }
}

/** What was asked of the engine, other than to publish, can't be told at this moment. */
export class EngineUnavailableError extends Error {
  override readonly name = "EngineUnavailableError"
}

/** A cursor of a list that can't be continued. The message completes "the cursor …". */
export class InvalidCursorError extends Error {
  override readonly name = "InvalidCursorError"
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

/** The queue is consumed, by this process or another one, or has deliveries that are not settled. */
export class QueueInUseError extends Error {
  override readonly name = "QueueInUseError"

  constructor(queue: string) {
    super(`the queue ${queue} is consumed, or has deliveries that are not settled`)
  }
}

/** The queue was to be deleted only if it is empty. */
export class QueueNotEmptyError extends Error {
  override readonly name = "QueueNotEmptyError"

  constructor(queue: string, events: number, deadLetters: number) {
    super(`the queue ${queue} has ${events} events and ${deadLetters} dead letters`)
  }
}

/** The engine can't be used as it was configured. The message is one sentence for whoever starts it. */
export class EngineStartError extends Error {
  override readonly name = "EngineStartError"
}
