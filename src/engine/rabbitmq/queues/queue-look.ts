import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import { deadQueueOf } from "../topology/topology.ts"
import { NOT_FOUND, replyIn } from "../wire/broker-fault.ts"
import { type Counts, countsOf } from "./message-count.ts"
import { StallWatch } from "./stall-watch.ts"

/** The depth of a queue. */
export interface Depth {
  readonly messageCount: number
  readonly consumerCount: number
  /** Null if the dead-letter queue is missing. */
  readonly deadLetterCount: number | null
}

/** How long to wait for the busy leader of a quorum queue, in milliseconds. */
const BUSY_TIMEOUT_MS = 3_000

/** Returns whether RabbitMQ replied that the queue does not exist. */
export const isNotFound = (error: unknown): boolean => replyIn(error)?.code === NOT_FOUND

/**
 * Inspects queues one after the other on one channel. RabbitMQ closes the channel at a missing queue; it is
 * then reopened.
 */
export class QueueLook implements AsyncDisposable {
  readonly client: AMQPClient
  #channel: AMQPChannel | null = null

  constructor(client: AMQPClient) {
    this.client = client
  }

  /** Returns an open channel. */
  async channel(): Promise<AMQPChannel> {
    if (this.#channel === null || this.#channel.closed) this.#channel = await this.client.channel()
    return this.#channel
  }

  /**
   * Returns the depth of a queue, or null if it does not exist.
   * @throws {EngineUnavailableError} if RabbitMQ does not answer because the queue's leader is too busy.
   */
  async depth(queue: string): Promise<Depth | null> {
    const depth = await this.#declared(queue)
    if (depth === null) return null
    const dead = await this.#declared(deadQueueOf(queue))
    return { ...depth, deadLetterCount: dead?.messageCount ?? null }
  }

  /** How many messages a queue has that are ready; 0 if there is no such queue. */
  async count(queue: string): Promise<number> {
    return (await this.#declared(queue))?.messageCount ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A closed channel needs no cleanup.
    await this.#channel?.close().catch(() => {})
  }

  async #declared(queue: string): Promise<Counts | null> {
    const channel = await this.channel()
    using watch = new StallWatch(BUSY_TIMEOUT_MS)
    try {
      return await countsOf(channel, queue, watch)
    } catch (error) {
      if (isNotFound(error)) return null
      throw error
    }
  }
}
