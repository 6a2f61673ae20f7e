import type { AMQPChannel } from "@cloudamqp/amqp-client"
import { nextTurn } from "../../../system/next-turn.ts"
import type { Corkable } from "../wire/turn-cork.ts"

/**
 * Time that RabbitMQ may take to requeue a channel's messages after it has confirmed the close, in
 * milliseconds. It does not report when it is done.
 */
const RETURN_MS = 100

/** Interval between checks whether a channel that is to be closed is already lost, in milliseconds. */
const WATCH_INTERVAL_MS = 50

/**
 * Settles the deliveries of one channel. Collects acks over a turn of the event loop: the earliest deliveries
 * are acked with one `basic.ack` for several, which costs the broker one step instead of many, and all acks
 * are sent in one write. Delivery tags grow in the order of delivery (AMQP 0-9-1, basic.ack).
 */
export class Settlements {
  readonly #channel: AMQPChannel
  readonly #socket: Corkable | undefined
  /** Unsettled tags, in the order of delivery. An outcome is `known` before it is stored. */
  readonly #unsettled = new Map<number, "open" | "known">()
  /** Number of released deliveries that return to the queue when the channel closes. */
  #returning = 0
  #handled = new Set<number>()
  #sent: Promise<void> = Promise.resolve()
  #ended: PromiseWithResolvers<void> | null = null
  #isClosing = false
  #lastTag = 0

  constructor(channel: AMQPChannel, socket: Corkable | undefined) {
    this.#channel = channel
    this.#socket = socket
  }

  /** Resolves, after `end`, when the channel is closed and its remaining messages are back in the queue. */
  get ended(): Promise<void> | undefined {
    return this.#ended?.promise
  }

  /** Tag of the last delivery, or 0. */
  get lastTag(): number {
    return this.#lastTag
  }

  /** True while every delivery is settled. */
  get isIdle(): boolean {
    return this.#unsettled.size === 0
  }

  /** True if the channel is closed, so that nothing can be settled and everything returns to the queue. */
  get isLost(): boolean {
    return this.#channel.closed
  }

  /** Number of deliveries that RabbitMQ takes for unsettled. */
  get unsettledCount(): number {
    return this.#unsettled.size + this.#returning
  }

  /** Number of unsettled deliveries whose outcome is known. */
  get settlingCount(): number {
    let count = 0
    for (const outcome of this.#unsettled.values()) if (outcome === "known") count++
    return count
  }

  delivered(tag: number): void {
    this.#lastTag = tag
    this.#unsettled.set(tag, "open")
  }

  /** The outcome of a delivery is known, and will be settled once it is stored. */
  decided(tag: number): void {
    this.#unsettled.set(tag, "known")
  }

  /**
   * Resolves when the ack is passed to the socket. Rejects if the channel is lost; the event is then
   * delivered again.
   */
  ack(tag: number): Promise<void> {
    this.decided(tag)
    if (this.#handled.size === 0) this.#sent = nextTurn().then(() => this.#send())
    this.#handled.add(tag)
    return this.#sent
  }

  /** Lets RabbitMQ dead-letter a delivery. Resolves when the reject is passed to the socket. */
  async reject(tag: number): Promise<void> {
    this.#unsettled.delete(tag)
    await this.#channel.basicReject(tag, false)
    this.#closeWhenSettled()
  }

  /** Returns a delivery to its queue, at once or when the channel closes. Resolves when it is there. */
  async release(tag: number): Promise<void> {
    this.#unsettled.delete(tag)
    if (this.#ended === null) {
      await this.#channel.basicNack(tag, true)
      return
    }
    this.#returning++
    this.#closeWhenSettled()
    await this.#ended.promise
  }

  /**
   * Closes the channel when everything is settled. Later releases then return together, each to its place. A
   * quorum queue puts messages that return one by one in the order of their return; RabbitMQ 3.10 puts
   * messages that return with one basic.nack in no order at all.
   */
  end(): void {
    if (this.#ended !== null) return
    this.#ended = Promise.withResolvers<void>()
    void this.#watchChannel(this.#ended.resolve)
    this.#closeWhenSettled()
  }

  async #send(): Promise<void> {
    const handled = this.#handled
    this.#handled = new Set()
    const writes: Promise<void>[] = []
    this.#socket?.cork()
    try {
      const through = this.#ended !== null ? undefined : this.#handledThrough(handled)
      if (through !== undefined) writes.push(this.#channel.basicAck(through, true))
      for (const tag of handled) {
        this.#unsettled.delete(tag)
        writes.push(this.#channel.basicAck(tag))
      }
    } finally {
      this.#socket?.uncork()
    }
    await Promise.all(writes)
    this.#closeWhenSettled()
  }

  /**
   * Returns the last tag up to which everything is handled, and removes it and earlier ones from both sets.
   */
  #handledThrough(handled: Set<number>): number | undefined {
    let through: number | undefined
    for (const tag of this.#unsettled.keys()) {
      if (!handled.delete(tag)) break
      this.#unsettled.delete(tag)
      through = tag
    }
    return through
  }

  #closeWhenSettled(): void {
    if (this.#ended === null || this.#unsettled.size > 0 || this.#isClosing) return
    this.#isClosing = true
    // A channel that breaks returns the same messages.
    void this.#close()
      .catch(() => {})
      .then(this.#ended.resolve)
  }

  async #close(): Promise<void> {
    await this.#channel.close()
    await Bun.sleep(RETURN_MS)
  }

  /** Nothing more is settled on a broken channel, and all of its messages have returned. */
  async #watchChannel(onBroken: () => void): Promise<void> {
    while (!this.#channel.closed) await Bun.sleep(WATCH_INTERVAL_MS)
    if (!this.#isClosing) onBroken()
  }
}
