import type { AMQPChannel, AMQPClient, AMQPConsumer, AMQPMessage } from "@cloudamqp/amqp-client"
import { countsOf, messagesIn } from "../queues/message-count.ts"
import type { StallWatch } from "../queues/stall-watch.ts"
import { nextWindow } from "./take-window.ts"

/** Time without a message before the queue is asked whether any are left, in milliseconds. */
const PATIENCE_MS = 500

/**
 * How often in a row the queue has to be empty while fewer messages have arrived than there were: RabbitMQ
 * may have assigned the rest to the consumer and still be reading large ones from disk. Another program may
 * also hold them.
 */
const MAX_SILENCES = 6

/** Time without a message after all expected ones have arrived, in milliseconds. */
const SHORT_PATIENCE_MS = 20

/**
 * Most consumers of one walk. A quorum queue returns the messages of a lost channel consumer by consumer, in
 * the order of their tags, because Erlang sorts the keys of maps with at most 32 entries. Windows double, so
 * 24 of them cover over a million messages.
 */
const MAX_WINDOWS = 24

/** Number of checks that the messages are back, and their interval in milliseconds. */
const MAX_LOOKS = 200
const LOOK_INTERVAL_MS = 5

/** Decides on each message as it arrives. Neither member may wait. */
export interface Picker {
  /** Returns true to keep the message. The body of any other message is dropped at once. */
  pick(message: AMQPMessage): boolean
  /** True if nothing more is needed. */
  readonly isDone: boolean
}

/**
 * The messages at the front of a queue, taken for inspection. Each is removed or returned to its place.
 *
 * A quorum queue puts returned messages in a separate list, behind those that returned earlier, and delivers
 * that list first. So the order is kept if the whole list is taken and returned at once, by closing the
 * channel. The list ends at the first message that was never delivered before.
 *
 * Messages are taken in windows, each with one consumer, so that neither side has much in flight. Only one
 * consumer receives messages at a time: two would break the order.
 */
export class TakenMessages {
  readonly #client: AMQPClient
  readonly #channel: AMQPChannel
  readonly #queue: string
  readonly #picker: Picker
  readonly #watch: StallWatch
  /** Most messages offered to the picker. Messages behind them are returned unseen. */
  readonly #expected: number
  /** Number of messages at the start. */
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
  #hasCompany = false
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
    const { messageCount, consumerCount } = await countsOf(channel, queue, watch)
    watch.feed()
    const taken = new TakenMessages(client, channel, queue, picker, watch, messageCount, maxMessages)
    taken.#hasCompany = consumerCount > 0
    return taken
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
    // Bypasses the library's list of consumers, because messages that arrive after the end of a consumer
    // would not be counted.
    channel.deliver = (message) => this.#take(message)
  }

  /** True if something else consumed the queue at the start, or after the messages were given back. */
  get hasCompany(): boolean {
    return this.#hasCompany
  }

  /** Number of messages to inspect. */
  get expected(): number {
    return this.#expected
  }

  /**
   * Yields the picked messages, the oldest first, in pages of at most `size`. Remove messages of a page
   * before requesting the next page.
   */
  async *pages(size: number): AsyncGenerator<readonly AMQPMessage[]> {
    let hasMore = true
    while (true) {
      if (this.#fault !== null) throw this.#fault.cause
      // A window that is too small is filled and ended before its first ack, which would bring more messages.
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

  /** Resolves when the acks are sent to the broker. */
  async remove(messages: readonly AMQPMessage[]): Promise<void> {
    if (messages.length === 0) return
    this.#removed += messages.length
    this.#removedInWindow += messages.length
    this.#removedSinceCancel = true
    await Promise.all(messages.map(({ deliveryTag }) => this.#channel.basicAck(deliveryTag)))
    this.#watch.feed()
  }

  /**
   * Returns everything that was not removed to the queue. Resolves with the number of messages in the queue.
   */
  async giveBack(): Promise<number> {
    this.#isGivingBack = true
    this.#picked.length = 0
    // A quorum queue delays acks while many are in progress, and would lose them with the channel. It has
    // processed all of them when it has ended a consumer, which goes the same way, and answered another
    // request.
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

  /** Closes the channel without waiting; the broker then requeues everything. */
  abandon(): void {
    this.#isGivingBack = true
    this.#picked.length = 0
    this.#channel.close().catch(() => {
      // The channel is gone with its connection, and the broker requeues everything.
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
        // An error in the connection's read handler would end the process.
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
    // Tags sort in the order of the windows: see MAX_WINDOWS.
    const tag = `taken-${String(this.#windows++).padStart(2, "0")}-${Bun.randomUUIDv7()}`
    this.#consumer = await this.#channel.basicConsume(this.#queue, { tag, noAck: false }, () => {})
    this.#consumer.wait().catch((cause: unknown) => {
      if (this.#channel.closed) this.#fault ??= { cause }
      this.#onArrival()
    })
    this.#watch.feed()
  }

  /**
   * Ends the window's consumer. No message may be on its way to it: RabbitMQ returns messages for an ended
   * consumer to the queue itself, behind all others.
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

  /** The consumer holds as many messages as it may, so it receives no more. */
  #isWindowSpent(): boolean {
    return this.#receivedInWindow - this.#removedInWindow >= this.#windowSize
  }

  /** A larger window would be more efficient. */
  #isTooSmall(): boolean {
    const size = nextWindow({ last: this.#windowSize, held: 0, averageBytes: this.#averageBytes() })
    return size >= 2 * this.#windowSize && this.#windows < MAX_WINDOWS / 2
  }

  #averageBytes(): number | null {
    return this.#received === 0 ? null : this.#receivedBytes / this.#received
  }

  /**
   * Waits until the window is used up or, unless everything is being returned, until something is picked or
   * nothing more is needed. Returns false if the queue has no more messages.
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

  /** No message may be on its way when the consumer is ended, so a busy leader's answer does not count. */
  async #isDrained(): Promise<boolean> {
    return (await messagesIn(this.#channel, this.#queue, this.#watch, { hasConsumer: true })) === 0
  }

  /** The queue takes the messages back after it has confirmed it; the next caller must find them there. */
  async #whenBack(expected: number): Promise<number> {
    const channel = await this.#client.channel()
    let counts = await countsOf(channel, this.#queue, this.#watch)
    for (let looks = 0; counts.messageCount < expected && looks < MAX_LOOKS; looks++) {
      await Bun.sleep(LOOK_INTERVAL_MS)
      counts = await countsOf(channel, this.#queue, this.#watch)
    }
    await channel.close()
    if (counts.consumerCount > 0) this.#hasCompany = true
    return counts.messageCount
  }
}
