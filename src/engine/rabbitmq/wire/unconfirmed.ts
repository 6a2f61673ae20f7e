import type { AMQPChannel } from "@cloudamqp/amqp-client"

/**
 * The library's list of the publishes that wait for their confirm: the tag of each, and what settles its promise. It
 * has no way to give one up, so each publish whose confirm never came kept its message for as long as the channel
 * lived.
 */
export class Unconfirmed {
  readonly #entries: unknown

  constructor(channel: AMQPChannel) {
    this.#entries = Reflect.get(channel, "unconfirmedPublishes")
  }

  get count(): number {
    return Array.isArray(this.#entries) ? this.#entries.length : 0
  }

  /** The entry of the last publish. */
  last(): unknown {
    return Array.isArray(this.#entries) ? this.#entries.at(-1) : undefined
  }
}

/**
 * Lets go of the message of an entry, whose promise is never settled then. The entry stays, because a confirm of
 * several publishes is found by the tag of the last. The message's buffer is not used again: the socket may not have
 * written it yet.
 * @param onLate called if it is acked after all.
 */
export function giveUp(entry: unknown, onLate: () => void): void {
  if (!Array.isArray(entry)) return
  entry[1] = onLate
  entry[2] = () => {}
}

/**
 * Forgets the buffers of a channel that RabbitMQ closed: the library has put them back, although the socket may not
 * have written them all, and the next publish would write over them.
 */
export function letGoOfBuffers(channel: AMQPChannel): void {
  const pool: unknown = Reflect.get(channel.connection, "bufferPool")
  if (Array.isArray(pool)) pool.length = 0
}
