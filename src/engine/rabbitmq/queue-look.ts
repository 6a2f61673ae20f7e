import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import { type Counts, countsOf } from "./message-count.ts"
import { StallWatch } from "./stall-watch.ts"
import { deadQueueOf } from "./topology.ts"
import { NOT_FOUND, replyIn } from "./wire/broker-fault.ts"

/** How full a queue is. */
export interface Depth {
  readonly messageCount: number
  readonly consumerCount: number
  /** Null if the queue of the dead letters is missing. */
  readonly deadLetterCount: number | null
}

/** How long a look waits for the leader of a quorum queue that is too busy to answer, in milliseconds. */
const BUSY_TIMEOUT_MS = 3_000

/** Whether RabbitMQ said that there is no such queue. */
export const isNotFound = (error: unknown): boolean => replyIn(error)?.code === NOT_FOUND

/** Looks at one queue after the other on one channel. RabbitMQ closes it at a queue that is missing; then it is opened again. */
export class QueueLook implements AsyncDisposable {
  readonly client: AMQPClient
  #channel: AMQPChannel | null = null

  constructor(client: AMQPClient) {
    this.client = client
  }

  /** A channel that is open. */
  async channel(): Promise<AMQPChannel> {
    if (this.#channel === null || this.#channel.closed) this.#channel = await this.client.channel()
    return this.#channel
  }

  /**
   * How full a queue is; null if there is no such queue.
   * @throws {EngineUnavailableError} if RabbitMQ does not tell because the queue's leader is too busy.
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
    // A channel that is closed already has nothing to give back.
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
