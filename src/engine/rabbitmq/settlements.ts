import type { AMQPChannel } from "@cloudamqp/amqp-client"
import { nextTurn } from "../../system/next-turn.ts"

/** A socket's way to hold writes back and send them as one. */
export interface Corkable {
  cork(): void
  uncork(): void
}

/**
 * How long RabbitMQ may take to put back what a channel held, after it has said that the channel is closed, in
 * milliseconds. It does not say when it has.
 */
const RETURN_MS = 100

/** How often to look whether a channel that is to be closed was lost before, in milliseconds. */
const WATCH_INTERVAL_MS = 50

/**
 * How the deliveries of one channel are settled. Acks are gathered over a turn of the event loop: those delivered
 * first go with one `basic.ack` of several, which costs the broker one step instead of many, and all leave in one
 * write. Delivery tags grow in the order of delivery (AMQP 0-9-1, basic.ack).
 */
export class Settlements {
  readonly #channel: AMQPChannel
  readonly #socket: Corkable | undefined
  /** The tags that are to be settled yet, in the order of delivery. */
  readonly #unsettled = new Set<number>()
  #handled = new Set<number>()
  #sent: Promise<void> = Promise.resolve()
  #ended: PromiseWithResolvers<void> | null = null
  #isClosing = false

  constructor(channel: AMQPChannel, socket: Corkable | undefined) {
    this.#channel = channel
    this.#socket = socket
  }

  /** Resolves once the channel is closed, after `end`, and what it had left is back in the queue. */
  get ended(): Promise<void> | undefined {
    return this.#ended?.promise
  }

  delivered(tag: number): void {
    this.#unsettled.add(tag)
  }

  /** Resolves once the ack is handed to the socket. Rejects where the channel is gone: then the event is delivered again. */
  ack(tag: number): Promise<void> {
    if (this.#handled.size === 0) this.#sent = nextTurn().then(() => this.#send())
    this.#handled.add(tag)
    return this.#sent
  }

  /** Has RabbitMQ itself dead-letter a delivery. Resolves once the reject is handed to the socket. */
  async reject(tag: number): Promise<void> {
    this.#unsettled.delete(tag)
    await this.#channel.basicReject(tag, false)
    this.#closeWhenSettled()
  }

  /** Gives a delivery back to its queue: at once, or when the channel closes. Resolves once it is there. */
  async release(tag: number): Promise<void> {
    this.#unsettled.delete(tag)
    if (this.#ended === null) {
      await this.#channel.basicNack(tag, true)
      return
    }
    this.#closeWhenSettled()
    await this.#ended.promise
  }

  /**
   * Closes the channel once all is settled. What is released from now on goes back then, all together and to its
   * place. What is given back one by one, a quorum queue puts in the order in which it comes back; what is given back
   * by one basic.nack of several, RabbitMQ 3.10 puts in no order at all.
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

  /** The last tag before which all are handled; it and those before it are taken off both sets. */
  #handledThrough(handled: Set<number>): number | undefined {
    let through: number | undefined
    for (const tag of this.#unsettled) {
      if (!handled.delete(tag)) break
      this.#unsettled.delete(tag)
      through = tag
    }
    return through
  }

  #closeWhenSettled(): void {
    if (this.#ended === null || this.#unsettled.size > 0 || this.#isClosing) return
    this.#isClosing = true
    // A channel that breaks instead has given back the same.
    void this.#close()
      .catch(() => {})
      .then(this.#ended.resolve)
  }

  async #close(): Promise<void> {
    await this.#channel.close()
    await Bun.sleep(RETURN_MS)
  }

  /** Of a channel that breaks, nothing more will be settled, and all has gone back. */
  async #watchChannel(onBroken: () => void): Promise<void> {
    while (!this.#channel.closed) await Bun.sleep(WATCH_INTERVAL_MS)
    if (!this.#isClosing) onBroken()
  }
}
