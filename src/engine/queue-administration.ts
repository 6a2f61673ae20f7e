/** Removes queues that nobody needs any more, and what is in them. Part of the port: see `engine.ts`. */
export interface QueueAdministration {
  /**
   * Deletes a queue with its bindings, its events and its dead letters. Publishes go on: an event that no other queue
   * takes is `unroutable` from then on. A queue that is declared again begins empty. Killed in the middle, the queue may
   * be left without bindings and with a part of its events.
   * @throws {UnknownQueueError | EngineUnavailableError}
   * @throws {QueueInUseError} if it has a consumer, in any process. An engine that knows of deliveries that are not
   * settled refuses because of them too; otherwise they are deleted with the queue.
   * @throws {QueueNotEmptyError} with `ifEmpty`, if it has events or dead letters; nothing is deleted.
   */
  delete(queue: string, options?: DeleteQueueOptions): Promise<DeletedQueue>

  /**
   * Deletes the events that wait to be delivered when it is called. Events that were delivered or wait for a retry stay,
   * and so do dead letters.
   * @throws {UnknownQueueError | EngineUnavailableError}
   */
  purge(queue: string): Promise<PurgedQueue>

  /**
   * Removes the queue's bindings: it keeps its events and gets no more of them. Declaring the queue binds it again.
   * @throws {UnknownQueueError | EngineUnavailableError}
   */
  unbind(queue: string): Promise<UnboundQueue>
}

export interface DeleteQueueOptions {
  /** Refuse a queue that has events or dead letters. Default: false. */
  readonly ifEmpty?: boolean
}

export interface DeletedQueue {
  /** Events that were deleted with it. */
  readonly events: number
  readonly deadLetters: number
}

export interface PurgedQueue {
  readonly purged: number
}

export interface UnboundQueue {
  /** The patterns that were bound. */
  readonly bindings: readonly string[]
}
