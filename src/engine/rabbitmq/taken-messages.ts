import type { AMQPChannel, AMQPClient, AMQPConsumer, AMQPMessage } from "@cloudamqp/amqp-client"

/** How long none may come, in milliseconds, before it is asked whether there are any left. */
const PATIENCE_MS = 200

/** How often, and how far apart in milliseconds, to look whether what was taken is back. */
const MAX_LOOKS = 200
const LOOK_INTERVAL_MS = 5

/** All the messages of a queue, taken to be looked at; each is removed, or given back to its place. */
export class TakenMessages {
  readonly #client: AMQPClient
  readonly #channel: AMQPChannel
  readonly #queue: string
  /** How many were there to be taken. What comes after them is given back unseen. */
  readonly #expected: number
  readonly #arrived: AMQPMessage[] = []
  #consumer: AMQPConsumer | null = null
  #received = 0
  #removed = 0
  #onArrival: () => void = () => {}

  static async open(client: AMQPClient, queue: string, maxMessages: number): Promise<TakenMessages> {
    const channel = await client.channel()
    const taken = new TakenMessages(
      client,
      channel,
      queue,
      Math.min(maxMessages, await countOf(channel, queue)),
    )
    if (taken.#expected > 0) await taken.#consume()
    return taken
  }

  private constructor(client: AMQPClient, channel: AMQPChannel, queue: string, expected: number) {
    this.#client = client
    this.#channel = channel
    this.#queue = queue
    this.#expected = expected
  }

  /** The messages, the oldest first, as they arrive. */
  async *pages(size: number): AsyncGenerator<readonly AMQPMessage[]> {
    let left = this.#expected
    while (left > 0) {
      if (this.#arrived.length === 0 && !(await this.#moreArrive())) return
      const page = this.#arrived.splice(0, Math.min(size, left))
      left -= page.length
      yield page
    }
  }

  /** Resolves once the broker is told that these are done. */
  async remove(messages: readonly AMQPMessage[]): Promise<void> {
    this.#removed += messages.length
    await Promise.all(messages.map(({ deliveryTag }) => this.#channel.basicAck(deliveryTag)))
  }

  /** Gives back all that was not removed, and returns how many messages the queue has then. */
  async giveBack(): Promise<number> {
    // A quorum queue keeps acks back while many are under way, and would lose them with the channel. It has sent on
    // all of them once it has ended the consumer, which goes the same way, and has answered another question.
    if (this.#consumer !== null) await this.#channel.basicCancel(this.#consumer.tag)
    const others = await countOf(this.#channel, this.#queue)
    await this.#channel.close()
    return this.#whenBack(others + this.#received - this.#removed)
  }

  async #consume(): Promise<void> {
    await this.#channel.basicQos(this.#expected)
    // Past the library's list of consumers: what comes after the consumer's end would not be counted.
    this.#channel.deliver = (message) => {
      this.#received++
      if (this.#received <= this.#expected) this.#arrived.push(message)
      this.#onArrival()
    }
    this.#consumer = await this.#channel.basicConsume(this.#queue, { noAck: false }, () => {})
    this.#consumer.wait().catch(() => this.#onArrival())
  }

  /** False where others have taken what is missing. */
  async #moreArrive(): Promise<boolean> {
    while (this.#arrived.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onArrival = resolve
      const timer = setTimeout(resolve, PATIENCE_MS)
      await promise
      clearTimeout(timer)
      if (this.#arrived.length === 0 && (await countOf(this.#channel, this.#queue)) === 0) {
        return this.#arrived.length > 0
      }
    }
    return true
  }

  /** The queue takes them back after it has said so; who looks next must find them there. */
  async #whenBack(expected: number): Promise<number> {
    const channel = await this.#client.channel()
    let count = await countOf(channel, this.#queue)
    for (let looks = 0; count < expected && looks < MAX_LOOKS; looks++) {
      await Bun.sleep(LOOK_INTERVAL_MS)
      count = await countOf(channel, this.#queue)
    }
    await channel.close()
    return count
  }
}

async function countOf(channel: AMQPChannel, queue: string): Promise<number> {
  return (await channel.queueDeclare(queue, { passive: true })).messageCount
}
