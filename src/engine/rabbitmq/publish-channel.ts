import type { AMQPChannel, AMQPClient, AMQPMessage, AMQPProperties } from "@cloudamqp/amqp-client"
import { PublishError } from "../errors.ts"

/** A message, and where to. */
export interface Outgoing {
  readonly exchange: string
  readonly routingKey: string
  readonly body: string | Uint8Array
  readonly properties: AMQPProperties
}

interface Pending {
  readonly returnKey: string
  isReturned: boolean
  readonly reject: (error: PublishError) => void
}

/** Buffers of this size and less are kept by the library for the next publish; larger ones are let go. */
const MAX_POOLED_BYTES = 65_536

/**
 * A channel that publishes with confirms, any number of them in flight. RabbitMQ sends the return of an
 * unroutable message before its ack, in the order of the publishes.
 * Source: rabbitmq.com/docs/confirms#when-publishes-are-confirmed.
 */
export class PublishChannel {
  readonly #channel: AMQPChannel
  readonly #confirmTimeoutMs: number
  readonly #pending = new Set<Pending>()
  readonly #returnable = new Map<string, Pending[]>()

  /** @param onClosed told when the channel is lost, by a fault of its own or with its connection. */
  static async open(
    client: AMQPClient,
    confirmTimeoutMs: number,
    onClosed: () => void,
  ): Promise<PublishChannel> {
    const channel = await client.channel()
    await channel.confirmSelect()
    return new PublishChannel(channel, confirmTimeoutMs, onClosed)
  }

  private constructor(channel: AMQPChannel, confirmTimeoutMs: number, onClosed: () => void) {
    this.#channel = channel
    this.#confirmTimeoutMs = confirmTimeoutMs
    channel.onReturn = (message) => this.#takeReturn(message)
    channel.onerror = onClosed
  }

  /** How many wait for their confirm. */
  get inFlight(): number {
    return this.#pending.size
  }

  /**
   * Resolves once it is confirmed.
   * @throws {PublishError} `unroutable`; `queue-full` where it was refused; `confirm-timeout` where there was
   * no answer in time or the channel was lost.
   */
  publish(outgoing: Outgoing): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const returnKey = keyOf(outgoing.properties.messageId, outgoing.routingKey)
    const pending: Pending = { returnKey, isReturned: false, reject }
    const timer = setTimeout(() => {
      this.#pending.delete(pending)
      reject(new PublishError("confirm-timeout", `no confirm within ${this.#confirmTimeoutMs} ms`, "unknown"))
    }, this.#confirmTimeoutMs)
    this.#pending.add(pending)
    this.#returnable.set(returnKey, [...(this.#returnable.get(returnKey) ?? []), pending])
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      this.#forget(pending)
      settle()
    }
    const { exchange, routingKey, body, properties } = outgoing
    this.#channel.basicPublish(exchange, routingKey, body, properties, true).then(
      () => end(() => (pending.isReturned ? reject(unroutable(routingKey)) : resolve())),
      (cause: unknown) => end(() => reject(this.#refusal(cause))),
    )
    return promise
  }

  /** Rejects all that wait: what they are told is all that will be known of them. */
  abandon(error: PublishError): void {
    for (const { reject } of this.#pending) reject(error)
    this.#pending.clear()
  }

  /** Closes the channel; publishes that wait for their confirm are rejected. */
  close(): Promise<void> {
    return this.#channel.close()
  }

  #takeReturn(message: AMQPMessage): void {
    const waiting = this.#returnable.get(keyOf(message.properties.messageId, message.routingKey))
    const first = waiting?.find(({ isReturned }) => !isReturned)
    if (first !== undefined) first.isReturned = true
  }

  #forget(pending: Pending): void {
    this.#pending.delete(pending)
    const left = this.#returnable.get(pending.returnKey)?.filter((each) => each !== pending) ?? []
    if (left.length > 0) this.#returnable.set(pending.returnKey, left)
    else this.#returnable.delete(pending.returnKey)
    this.#letGoOfLargeBuffer()
  }

  /** The library keeps the buffer of each message, the largest too, for as long as the connection lasts. */
  #letGoOfLargeBuffer(): void {
    const pool: unknown = Reflect.get(this.#channel.connection, "bufferPool")
    if (!Array.isArray(pool)) return
    const last: unknown = pool.at(-1)
    if (last instanceof DataView && last.byteLength > MAX_POOLED_BYTES) pool.pop()
  }

  /** The broker's nack, while the channel lives, means that a queue refused it. */
  #refusal(cause: unknown): PublishError {
    if (!this.#channel.closed && !this.#channel.connection.closed) {
      return new PublishError("queue-full", "a queue that the event is routed to is full", "unknown", {
        cause,
      })
    }
    return new PublishError("confirm-timeout", "the connection was lost before the confirm", "unknown", {
      cause,
    })
  }
}

const keyOf = (messageId: string | undefined, routingKey: string): string => `${messageId}\n${routingKey}`

const unroutable = (routingKey: string): PublishError =>
  new PublishError("unroutable", `no queue is bound for the routing key ${JSON.stringify(routingKey)}`)
