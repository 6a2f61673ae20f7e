import type { AMQPChannel } from "@cloudamqp/amqp-client"

/** A socket's way to hold writes back and send them as one. */
export interface Corkable {
  cork(): void
  uncork(): void
}

/**
 * The acks of one channel, gathered over a turn of the event loop: those delivered first go with one `basic.ack` of
 * several, which costs the broker one step instead of many, and all leave in one write. Delivery tags grow in the
 * order of delivery (AMQP 0-9-1, basic.ack).
 */
export class Acks {
  readonly #channel: AMQPChannel
  readonly #socket: Corkable | undefined
  /** The tags that the broker waits for, in the order of delivery. */
  readonly #unsettled = new Set<number>()
  #handled = new Set<number>()
  #sent: Promise<void> = Promise.resolve()

  constructor(channel: AMQPChannel, socket: Corkable | undefined) {
    this.#channel = channel
    this.#socket = socket
  }

  delivered(tag: number): void {
    this.#unsettled.add(tag)
  }

  /** Gives a delivery back to its queue. */
  async release(tag: number): Promise<void> {
    this.#unsettled.delete(tag)
    await this.#channel.basicNack(tag, true)
  }

  /** Resolves once the ack is written. Rejects where the channel is gone: then the event is delivered again. */
  ack(tag: number): Promise<void> {
    if (this.#handled.size === 0) this.#sent = nextTurn().then(() => this.#send())
    this.#handled.add(tag)
    return this.#sent
  }

  async #send(): Promise<void> {
    const handled = this.#handled
    this.#handled = new Set()
    const writes: Promise<void>[] = []
    this.#socket?.cork()
    try {
      const through = this.#handledThrough(handled)
      if (through !== undefined) writes.push(this.#channel.basicAck(through, true))
      for (const tag of handled) {
        this.#unsettled.delete(tag)
        writes.push(this.#channel.basicAck(tag))
      }
    } finally {
      this.#socket?.uncork()
    }
    await Promise.all(writes)
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
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
