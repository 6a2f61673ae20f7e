import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../../event/backoff.ts"
import { LASTING_REFUSALS, replyIn } from "../wire/broker-fault.ts"

/** The queue that each instance consumes, and to which nobody publishes. */
export const INSTANCES_QUEUE = "event-broker.instances"

/** RabbitMQ deletes the queue after this time without an instance, in milliseconds. */
const EXPIRES_MS = 86_400_000

/** How long RabbitMQ may take to count, in milliseconds: somebody waits for the number. */
const PATIENCE_MS = 1_000

/** Backoff before the queue is consumed again. */
const JOIN_BACKOFF: Backoff = { initialMs: 1_000, factor: 2, maxMs: 60_000 }

/**
 * Counts the instances that are connected to the same virtual host. AMQP can list neither connections nor the consumers of a
 * stream, but it counts those of a queue, and RabbitMQ removes a consumer with its connection. So each instance consumes
 * a queue that stays empty.
 */
export class InstanceCount {
  readonly #isAllowed: boolean
  readonly #delays = new RetryDelays(JOIN_BACKOFF)
  /** The channel on which this instance is counted; null while it is not. */
  #channel: AMQPChannel | null = null
  #client: AMQPClient | null = null
  #counting: Promise<number | null> | null = null
  #timer: Timer | undefined

  /** @param isAllowed false with `TOPOLOGY=passive`: nothing may be declared */
  constructor(isAllowed: boolean) {
    this.#isAllowed = isAllowed
  }

  /** Joins the count on a new connection. */
  start(client: AMQPClient): void {
    this.#client = client
    this.#leave()
    this.#delays.reset()
    if (this.#isAllowed) void this.#join(client)
  }

  stop(): void {
    this.#client = null
    this.#leave()
    clearTimeout(this.#timer)
  }

  /** Returns the number, with this instance; null if it is not known, such as without the permission. Never rejects. */
  count(): Promise<number | null> {
    if (this.#channel === null) return Promise.resolve(null)
    const counting = this.#counting ?? this.#count(this.#channel)
    this.#counting = counting
    return Promise.race([counting, Bun.sleep(PATIENCE_MS).then(() => null)])
  }

  async #count(channel: AMQPChannel): Promise<number | null> {
    try {
      const { consumerCount } = await channel.queueDeclare(INSTANCES_QUEUE, { passive: true })
      return consumerCount === 0 ? null : consumerCount
    } catch {
      // The channel is gone, and this instance joins again.
      return null
    } finally {
      if (channel === this.#channel) this.#counting = null
    }
  }

  /** Forgets the channel, and a count on it: it may have no answer. */
  #leave(): void {
    this.#channel = null
    this.#counting = null
  }

  async #join(client: AMQPClient): Promise<void> {
    clearTimeout(this.#timer)
    try {
      const channel = await client.channel()
      // Otherwise the library writes to the console why RabbitMQ closed the channel.
      channel.onerror = () => {}
      await channel.queueDeclare(
        INSTANCES_QUEUE,
        { durable: true, autoDelete: false, exclusive: false },
        { "x-queue-type": "classic", "x-expires": EXPIRES_MS },
      )
      const consumer = await channel.basicConsume(INSTANCES_QUEUE, { noAck: true }, () => {})
      this.#channel = channel
      this.#delays.reset()
      consumer.wait().catch((cause: unknown) => {
        channel.close().catch(() => {})
        this.#joinLater(client, cause)
      })
    } catch (cause) {
      this.#joinLater(client, cause)
    }
  }

  #joinLater(client: AMQPClient, cause: unknown): void {
    if (client !== this.#client) return
    this.#leave()
    // Without the permission, the number is not known on this connection.
    if (client.closed || LASTING_REFUSALS.has(replyIn(cause)?.code ?? 0)) return
    this.#timer = setTimeout(() => void this.#join(client), this.#delays.next())
  }
}
