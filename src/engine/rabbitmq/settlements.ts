import type { AMQPChannel } from "@cloudamqp/amqp-client"

/** A socket's way to hold writes back and send them as one. */
export interface Corkable {
  cork(): void
  uncork(): void
}

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
  #isEnding = false

  constructor(channel: AMQPChannel, socket: Corkable | undefined) {
    this.#channel = channel
    this.#socket = socket
  }

  delivered(tag: number): void {
    this.#unsettled.add(tag)
  }

  /** Resolves once the ack is written. Rejects where the channel is gone: then the event is delivered again. */
  ack(tag: number): Promise<void> {
    if (this.#handled.size === 0) this.#sent = nextTurn().then(() => this.#send())
    this.#handled.add(tag)
    return this.#sent
  }

  /** Gives a delivery back to its queue: at once, or when the channel closes. */
  async release(tag: number): Promise<void> {
    this.#unsettled.delete(tag)
    if (this.#isEnding) this.#closeWhenSettled()
    else await this.#channel.basicNack(tag, true)
  }

  /**
   * Closes the channel once all is settled. What is released from now on goes back then, all together and to its
   * place: what is given back one by one, a quorum queue puts in the order in which it comes back.
   */
  end(): void {
    this.#isEnding = true
    this.#closeWhenSettled()
  }

  async #send(): Promise<void> {
    const handled = this.#handled
    this.#handled = new Set()
    const writes: Promise<void>[] = []
    this.#socket?.cork()
    try {
      const through = this.#isEnding ? undefined : this.#handledThrough(handled)
      if (through !== undefined) writes.push(this.#channel.basicAck(through, true))
      for (const tag of handled) {
        this.#unsettled.delete(tag)
        writes.push(this.#channel.basicAck(tag))
      }
    } finally {
      this.#socket?.uncork()
    }
    await Promise.all(writes)
    if (this.#isEnding) this.#closeWhenSettled()
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
    if (this.#unsettled.size > 0 || this.#channel.closed) return
    // One that breaks instead has given back the same.
    this.#channel.close().catch(() => {})
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
