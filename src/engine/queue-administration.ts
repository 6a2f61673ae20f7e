/**
 * Which queues the engine knows. `all`: those of every instance. `unread`: those of other instances are still being read;
 * that passes. `own`: it can't find those that only other instances declared.
 */
export type QueueKnowledge = "all" | "unread" | "own"

/**
 * Removes queues that nobody needs any more, and what is in them. Part of the port: see `engine.ts`. Each of the calls
 * rejects with `QueuesUnreadError` for a name that is unknown while the queues are `unread`.
 */
export interface QueueAdministration {
  /**
   * Tells other instances that this one needs these queues although it does not consume them, because they are paused. Holds
   * until the next call, or the end of the process.
   */
  hold(queues: readonly string[]): void

  /** Says which queues are known; waits for up to two seconds for them to be read. @throws {EngineUnavailableError} */
  knowledge(): Promise<QueueKnowledge>

  /**
   * Returns how many instances of the service use these queues now, with this one; null if that is not known, such as while
   * RabbitMQ is away. Never rejects.
   */
  instances(): Promise<number | null>

  /**
   * Deletes a queue with its bindings, events and dead letters. Publishes continue: an event that no other
   * queue takes is `unroutable` from then on. A queue that is declared again starts empty. If the process
   * dies meanwhile, the queue may be left without bindings and with some of its events.
   * @throws {UnknownQueueError | EngineUnavailableError}
   * @throws {QueueInUseError} if it has a consumer, in any process. An engine that knows of unsettled
   * deliveries also refuses because of them; otherwise they are deleted with the queue.
   * @throws {QueueNotEmptyError} with `ifEmpty`, if it has events or dead letters; nothing is deleted.
   */
  delete(queue: string, options?: DeleteQueueOptions): Promise<DeletedQueue>

  /**
   * Deletes the events that are waiting to be delivered at the time of the call. Keeps delivered events,
   * events that wait for a retry, and dead letters.
   * @throws {UnknownQueueError | EngineUnavailableError}
   */
  purge(queue: string): Promise<PurgedQueue>

  /**
   * Removes the queue's bindings: it keeps its events and receives no new ones. Declaring the queue binds it
   * again.
   * @throws {UnknownQueueError | EngineUnavailableError}
   */
  unbind(queue: string): Promise<UnboundQueue>
}

export interface DeleteQueueOptions {
  /** Refuse to delete a queue that has events or dead letters. Default: false. */
  readonly ifEmpty?: boolean
}

export interface DeletedQueue {
  /** Number of events deleted with the queue. */
  readonly events: number
  readonly deadLetters: number
}

export interface PurgedQueue {
  readonly purged: number
}

export interface UnboundQueue {
  /** The topic patterns that were bound. */
  readonly bindings: readonly string[]
}
