import type { AMQPChannel } from "@cloudamqp/amqp-client"

/**
 * The library's list of unconfirmed publishes: the tag of each, and the functions that settle its promise.
 * The library can't give one up, so a publish without a confirm would keep its message as long as the channel
 * lives.
 */
export class Unconfirmed {
  readonly #entries: unknown

  constructor(channel: AMQPChannel) {
    this.#entries = Reflect.get(channel, "unconfirmedPublishes")
  }

  get count(): number {
    return Array.isArray(this.#entries) ? this.#entries.length : 0
  }

  /** Returns the entry of the last publish. */
  last(): unknown {
    return Array.isArray(this.#entries) ? this.#entries.at(-1) : undefined
  }
}

/**
 * Releases the message of an entry. Its promise is then never settled. The entry stays, because a confirm of
 * several publishes is found by the tag of the last. The message's buffer is not reused, because the socket
 * may not have written it yet.
 * @param onLate called if it is acked after all
 */
export function giveUp(entry: unknown, onLate: () => void): void {
  if (!Array.isArray(entry)) return
  entry[1] = onLate
  entry[2] = () => {}
}

/**
 * Drops the buffers of a channel that RabbitMQ closed: the library has returned them to the pool although the
 * socket may not have written all of them, so the next publish would overwrite them.
 */
export function letGoOfBuffers(channel: AMQPChannel): void {
  const pool: unknown = Reflect.get(channel.connection, "bufferPool")
  if (Array.isArray(pool)) pool.length = 0
}
