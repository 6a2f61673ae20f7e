import { counted } from "../event/counted.ts"
import { didYouMean } from "../event/suggestion.ts"

export type PublishErrorCode =
  /** No queue is bound for the routing key. */
  | "unroutable"
  /** A queue that the event is routed to has reached its length limit and refuses it. */
  | "queue-full"
  /** The engine can't store events now. */
  | "engine-unavailable"
  /** The confirm did not arrive in time, or the connection was lost before it. */
  | "confirm-timeout"
  /** Too many publishes are waiting for their confirm. */
  | "too-many-in-flight"
  /** The event is larger than the engine accepts. */
  | "payload-too-large"
  /**
   * The engine refuses the event for a reason that an operator has to remove, for example missing permissions
   * on RabbitMQ.
   */
  | "engine-refused"
  /** The idempotency key was used for a request with another body. */
  | "idempotency-key-reused"

const PERMANENT: ReadonlySet<PublishErrorCode> = new Set([
  "unroutable",
  "payload-too-large",
  "engine-refused",
  "idempotency-key-reused",
])

/** `unknown` if a failed publish may have been stored. */
export type PublishOutcome = "not-stored" | "unknown"

/** A valid event was not confirmed. */
export class PublishError extends Error {
  override readonly name = "PublishError"

  readonly code: PublishErrorCode
  readonly outcome: PublishOutcome
  /** The full queue; null for every other code, and if the queue is unknown. */
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

  /** True if the same publish fails however often it is repeated. */
  get isPermanent(): boolean {
    return PERMANENT.has(this.code)
  }
}

/** Returns the error of an event that is routed to no queue. */
export const unroutable = (routingKey: string): PublishError =>
  new PublishError("unroutable", `no queue is bound for the routing key ${JSON.stringify(routingKey)}`)

/** The engine can't answer a request other than a publish now. */
export class EngineUnavailableError extends Error {
  override readonly name = "EngineUnavailableError"
}

/** A list can't be continued from this cursor. The message completes "the cursor …". */
export class InvalidCursorError extends Error {
  override readonly name = "InvalidCursorError"
}

/** The queue does not exist. The message names it, and the queue that was probably meant or the existing ones. */
export class UnknownQueueError extends Error {
  override readonly name = "UnknownQueueError"
  readonly queue: string

  constructor(queue: string, known: Iterable<string>) {
    const names = [...known].toSorted()
    const advice = didYouMean(queue, names) || `; the queues are ${names.join(", ") || "none"}`
    super(`there is no queue ${JSON.stringify(queue)}${advice}`)
    this.queue = queue
  }
}

/** There may be such a queue: those of other instances were not read yet. Passes within seconds. */
export class QueuesUnreadError extends Error {
  override readonly name = "QueuesUnreadError"

  constructor(queue: string) {
    super(
      `the queues of other instances are still being read; this instance has no queue ${JSON.stringify(queue)}`,
    )
  }
}

/** The queue is consumed, by this process or another one, or has deliveries that are not settled. */
export class QueueInUseError extends Error {
  override readonly name = "QueueInUseError"

  constructor(queue: string) {
    super(`the queue ${queue} is consumed or has unsettled deliveries`)
  }
}

/** The queue is not empty, and was to be deleted only if it is. */
export class QueueNotEmptyError extends Error {
  override readonly name = "QueueNotEmptyError"

  constructor(queue: string, events: number, deadLetters: number) {
    super(`the queue ${queue} has ${counted(events, "event")} and ${counted(deadLetters, "dead letter")}`)
  }
}

/**
 * The engine can't be used as configured. The message is one sentence for the person who starts the service.
 */
export class EngineStartError extends Error {
  override readonly name: string = "EngineStartError"
}

/** Fields of a declaration that an existing queue can have with another value. */
export type QueueField = "ttlMs" | "maxLength" | "overflow" | "isSingleActiveConsumer"

/** The engine refuses a queue until somebody changes the queue, its declaration or a permission. */
export class QueueRefusedError extends EngineStartError {
  override readonly name = "QueueRefusedError"
  readonly queue: string
  /** The field of the declaration that the existing queue has with another value; null if the reason is another one. */
  readonly field: QueueField | null

  constructor(queue: string, field: QueueField | null, message: string, options?: ErrorOptions) {
    super(message, options)
    this.queue = queue
    this.field = field
  }
}

/** The folder of the embedded engine's store can't be created or written. The message is a sentence, too. */
export class DataDirError extends EngineStartError {
  override readonly name = "DataDirError"
}
