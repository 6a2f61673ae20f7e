import { type AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import { propertiesOf } from "../src/engine/rabbitmq/wire/encode.ts"
import type { Event } from "../src/event/envelope.ts"
import { drainRate } from "./drain-rate.ts"

/**
 * Time in which RabbitMQ finishes writing after its last confirm, in milliseconds; measuring earlier would
 * include that work.
 */
const SETTLE_MS = 2_500

const CHUNK = 1_000

/** A queue with the same number of the same events for each measured consumer. */
export class Backlog implements AsyncDisposable {
  readonly #client: AMQPClient
  readonly #channel: AMQPChannel
  readonly #queue: string
  readonly #size: number

  private constructor(client: AMQPClient, channel: AMQPChannel, queue: string, size: number) {
    this.#client = client
    this.#channel = channel
    this.#queue = queue
    this.#size = size
  }

  /** The queue must exist. */
  static async open(port: number, queue: string, size: number): Promise<Backlog> {
    const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${port}/`)
    await client.connect()
    const channel = await client.channel()
    await channel.confirmSelect()
    return new Backlog(client, channel, queue, size)
  }

  /** Publishes the events as the service does: one of another program is also completed and validated. */
  async fill(newEvent: () => Event): Promise<void> {
    await this.#channel.queuePurge(this.#queue)
    for (let filled = 0; filled < this.#size; filled += CHUNK) {
      const publish = () => {
        const event = newEvent()
        return this.#channel.basicPublish("", this.#queue, JSON.stringify(event), propertiesOf(event, {}))
      }
      await Promise.all(Array.from({ length: CHUNK }, publish))
    }
    await this.settled()
  }

  /** Waits until RabbitMQ has finished writing. */
  settled(): Promise<void> {
    return Bun.sleep(SETTLE_MS)
  }

  /** Returns how many events per second are taken from the queue. */
  drainRate(): Promise<number> {
    return drainRate(this.#size, async () => {
      const { messageCount } = await this.#channel.queueDeclare(this.#queue, { passive: true })
      return messageCount
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
  }
}
