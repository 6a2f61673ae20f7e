import type { AMQPChannel, AMQPClient, AMQPConsumer, AMQPMessage } from "@cloudamqp/amqp-client"
import { messagesIn } from "./message-count.ts"
import type { StallWatch } from "./stall-watch.ts"
import { nextWindow } from "./take-window.ts"

/** How long no message may arrive, in milliseconds, before the queue is asked if it has any left. */
const PATIENCE_MS = 500

/**
 * How often in a row the queue has to have none left while fewer have arrived than there were: RabbitMQ may have handed
 * the rest to the consumer, and takes its time to read large ones from the disk. Another program may also have them.
 */
const MAX_SILENCES = 6

/** How long no message may arrive once as many have arrived as there were. */
const SHORT_PATIENCE_MS = 20

/**
 * Most consumers of one walk. A quorum queue gives back what a lost channel held consumer by consumer, in the order of
 * their tags: Erlang sorts the keys of a map as long as there are at most 32. Windows double, so that 24 of them are
 * over a million messages.
 */
const MAX_WINDOWS = 24

/** How often, and how far apart in milliseconds, to check that the messages are back. */
const MAX_LOOKS = 200
const LOOK_INTERVAL_MS = 5

/** Decides on each message as it arrives. Neither member may wait. */
export interface Picker {
  /** True to keep the message; the body of any other is dropped at once. */
  pick(message: AMQPMessage): boolean
  /** Nothing more is needed. */
  readonly isDone: boolean
}

/**
 * The front of a queue, taken to be looked at; each message is removed, or given back to its place.
 *
 * A quorum queue puts what comes back into a list of its own, behind what came back before, and delivers that list
 * first. So the order holds if all of that list is taken, which ends where a message comes that was never delivered
 * before, and is given back at once, by closing the channel.
 *
 * Messages are taken in windows, each by one consumer, so that neither side has much in flight. Only one consumer gets
 * messages at a time: with two, the order would be lost.
 */
export class TakenMessages {
  readonly #client: AMQPClient
  readonly #channel: AMQPChannel
  readonly #queue: string
  readonly #picker: Picker
  readonly #watch: StallWatch
  /** How many are offered to the picker at most. What comes behind them is given back unseen. */
  readonly #expected: number
  /** How many messages there were. */
  readonly #total: number
  readonly #picked: AMQPMessage[] = []
  #consumer: AMQPConsumer | null = null
  #windows = 0
  #windowSize = 0
  #receivedInWindow = 0
  #removedInWindow = 0
  #received = 0
  #receivedBytes = 0
  #removed = 0
  #offered = 0
  #isGivingBack = false
  #wasDeliveredBefore = false
  #removedSinceCancel = false
  #fault: { readonly cause: unknown } | null = null
  #onArrival: () => void = () => {}

  static async open(
    client: AMQPClient,
    queue: string,
    picker: Picker,
    watch: StallWatch,
    maxMessages: number,
  ): Promise<TakenMessages> {
    const channel = await client.channel()
    watch.feed()
    const count = await messagesIn(channel, queue, watch)
    watch.feed()
    return new TakenMessages(client, channel, queue, picker, watch, count, maxMessages)
  }

  private constructor(
    client: AMQPClient,
    channel: AMQPChannel,
    queue: string,
    picker: Picker,
    watch: StallWatch,
    total: number,
    maxMessages: number,
  ) {
    this.#client = client
    this.#channel = channel
    this.#queue = queue
    this.#picker = picker
    this.#watch = watch
    this.#total = total
    this.#expected = Math.min(total, maxMessages)
    // Past the library's list of consumers: what comes after a consumer's end would not be counted.
    channel.deliver = (message) => this.#take(message)
  }

  /** How many messages there were to be looked at. */
  get expected(): number {
    return this.#expected
  }

  /**
   * What the picker picks, the oldest first, in pages of at most `size`. Whatever of a page is to be removed must be
   * removed before the next page is asked for.
   */
  async *pages(size: number): AsyncGenerator<readonly AMQPMessage[]> {
    let hasMore = true
    while (true) {
      if (this.#fault !== null) throw this.#fault.cause
      // A window that is too small is filled and ended before its first ack, which would bring more.
      if (this.#consumer !== null && this.#isWindowSpent()) {
        if (this.#picked.length === 0 || this.#isTooSmall()) await this.#endWindow()
      }
      if (this.#picked.length > 0) yield this.#picked.splice(0, size)
      else if (this.#picker.isDone || this.#offered >= this.#expected || !hasMore) return
      else if (this.#consumer !== null) hasMore = await this.#moreArrive()
      else if (this.#windows < MAX_WINDOWS) await this.#openWindow()
      else return
    }
  }

  /** Resolves once the broker is told that these are done. */
  async remove(messages: readonly AMQPMessage[]): Promise<void> {
    if (messages.length === 0) return
    this.#removed += messages.length
    this.#removedInWindow += messages.length
    this.#removedSinceCancel = true
    await Promise.all(messages.map(({ deliveryTag }) => this.#channel.basicAck(deliveryTag)))
    this.#watch.feed()
  }

  /** Gives back all that was not removed, and returns how many messages the queue has then. */
  async giveBack(): Promise<number> {
    this.#isGivingBack = true
    this.#picked.length = 0
    // A quorum queue keeps acks back while many are under way, and would lose them with the channel. It has sent on
    // all of them once it has ended a consumer, which goes the same way, and has answered another question.
    if (this.#consumer === null && this.#removedSinceCancel) await this.#openWindow(1)
    let others = await this.#othersAfterWindow()
    while (others > 0 && this.#wasDeliveredBefore && this.#windows < MAX_WINDOWS) {
      await this.#openWindow()
      others = await this.#othersAfterWindow()
    }
    await this.#channel.close()
    this.#watch.feed()
    return this.#whenBack(others + this.#received - this.#removed)
  }

  /** Lets go of the channel without waiting; the broker then takes everything back by itself. */
  abandon(): void {
    this.#isGivingBack = true
    this.#picked.length = 0
    this.#channel.close().catch(() => {
      // The channel went with its connection, and the broker takes everything back all the same.
    })
  }

  #take(message: AMQPMessage): void {
    this.#received++
    this.#receivedInWindow++
    this.#receivedBytes += message.bodySize
    this.#wasDeliveredBefore = message.redelivered
    if (!this.#isGivingBack && this.#offered < this.#expected) {
      this.#offered++
      try {
        if (this.#picker.pick(message)) this.#picked.push(message)
      } catch (cause) {
        // Thrown into the connection's read handler it would end the process.
        this.#fault ??= { cause }
      }
    }
    this.#onArrival()
  }

  async #openWindow(size?: number): Promise<void> {
    this.#windowSize =
      size ??
      nextWindow({
        last: this.#windowSize,
        held: this.#received - this.#removed,
        averageBytes: this.#averageBytes(),
      })
    this.#receivedInWindow = 0
    this.#removedInWindow = 0
    await this.#channel.basicQos(this.#windowSize)
    // Tags in the order of the windows: see MAX_WINDOWS.
    const tag = `taken-${String(this.#windows++).padStart(2, "0")}-${Bun.randomUUIDv7()}`
    this.#consumer = await this.#channel.basicConsume(this.#queue, { tag, noAck: false }, () => {})
    this.#consumer.wait().catch((cause: unknown) => {
      if (this.#channel.closed) this.#fault ??= { cause }
      this.#onArrival()
    })
    this.#watch.feed()
  }

  /**
   * Ends the window's consumer. Nothing may be on its way to it: what arrives at the channel of an ended consumer is
   * returned to the queue by RabbitMQ itself, behind all others.
   */
  async #endWindow(): Promise<void> {
    if (this.#consumer === null) return
    await this.#channel.basicCancel(this.#consumer.tag)
    this.#consumer = null
    this.#removedSinceCancel = false
    this.#watch.feed()
  }

  async #othersAfterWindow(): Promise<number> {
    if (this.#consumer !== null) await this.#moreArrive()
    await this.#endWindow()
    const others = await messagesIn(this.#channel, this.#queue, this.#watch)
    this.#watch.feed()
    return others
  }

  /** The consumer holds as many as it may: it gets no more. */
  #isWindowSpent(): boolean {
    return this.#receivedInWindow - this.#removedInWindow >= this.#windowSize
  }

  /** A larger window would serve better. */
  #isTooSmall(): boolean {
    const size = nextWindow({ last: this.#windowSize, held: 0, averageBytes: this.#averageBytes() })
    return size >= 2 * this.#windowSize && this.#windows < MAX_WINDOWS / 2
  }

  #averageBytes(): number | null {
    return this.#received === 0 ? null : this.#receivedBytes / this.#received
  }

  /**
   * Waits until the window is spent or, unless all is given back, until something is picked or nothing more is needed.
   * False if the queue has no more.
   */
  async #moreArrive(): Promise<boolean> {
    const isOver = () =>
      this.#fault !== null ||
      this.#isWindowSpent() ||
      (!this.#isGivingBack &&
        ((this.#picked.length > 0 && !this.#isTooSmall()) ||
          this.#picker.isDone ||
          this.#offered >= this.#expected))
    let silences = 0
    while (!isOver()) {
      const before = this.#received
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onArrival = resolve
      const timer = setTimeout(resolve, this.#received < this.#total ? PATIENCE_MS : SHORT_PATIENCE_MS)
      await promise
      clearTimeout(timer)
      if (this.#received > before) this.#watch.feed()
      else if (this.#fault === null && (await this.#isDrained()) && this.#received === before) {
        silences++
        if (this.#received >= this.#total || silences >= MAX_SILENCES) return false
        continue
      }
      silences = 0
      this.#watch.check()
    }
    return true
  }

  /** Nothing may be on its way once the consumer is ended, so the answer has to be RabbitMQ's own. */
  async #isDrained(): Promise<boolean> {
    return (await messagesIn(this.#channel, this.#queue, this.#watch, { hasConsumer: true })) === 0
  }

  /** The queue takes them back after it has said so; the next look must find them there. */
  async #whenBack(expected: number): Promise<number> {
    const channel = await this.#client.channel()
    let count = await messagesIn(channel, this.#queue, this.#watch)
    for (let looks = 0; count < expected && looks < MAX_LOOKS; looks++) {
      await Bun.sleep(LOOK_INTERVAL_MS)
      count = await messagesIn(channel, this.#queue, this.#watch)
    }
    await channel.close()
    return count
  }
}
