import type { AMQPClient } from "@cloudamqp/amqp-client"
import { PublishError } from "../errors.ts"
import { type Outgoing, PublishChannel } from "./publish-channel.ts"

/**
 * One channel per exchange, opened when the exchange is first used. RabbitMQ closes a channel that publishes to an
 * exchange that is missing or not permitted, with all that is in flight on it; here that concerns one exchange alone.
 */
export class ExchangeChannels {
  readonly #confirmTimeoutMs: number
  readonly #current = new Map<string, Promise<PublishChannel>>()
  /** Every channel that is open, also those that only wait for the last of their confirms. */
  readonly #open = new Set<PublishChannel>()
  readonly #retired = new Set<PublishChannel>()
  #client: AMQPClient | null = null

  constructor(confirmTimeoutMs: number) {
    this.#confirmTimeoutMs = confirmTimeoutMs
  }

  /** How many publishes wait for their confirm. */
  get inFlight(): number {
    return [...this.#open].reduce((sum, { inFlight }) => sum + inFlight, 0)
  }

  /** Rejects all that wait: nothing more will be known of them. */
  abandon(error: PublishError): void {
    for (const channel of this.#open) channel.abandon(error)
  }

  /**
   * Resolves once the message is confirmed.
   * @throws {PublishError} as `PublishChannel.publish` does.
   */
  async publish(client: AMQPClient, outgoing: Outgoing): Promise<void> {
    if (client !== this.#client) this.#begin(client)
    const { exchange } = outgoing
    const opening = this.#current.get(exchange) ?? this.#openFor(client, exchange)
    const channel = await opening
    try {
      await channel.publish(outgoing)
    } catch (error) {
      // On RabbitMQ 3.10 a channel can go on sending to a quorum queue's lost leader for as long as the channel lives.
      if (error instanceof PublishError && error.code !== "unroutable")
        this.#retire(exchange, opening, channel)
      throw error
    } finally {
      this.#closeIfDone(channel)
    }
  }

  /** The channels of the connection before went with it. */
  #begin(client: AMQPClient): void {
    this.#client = client
    this.#current.clear()
    this.#open.clear()
    this.#retired.clear()
  }

  #openFor(client: AMQPClient, exchange: string): Promise<PublishChannel> {
    let opened: PublishChannel | null = null
    const forget = (): void => {
      if (this.#current.get(exchange) === opening) this.#current.delete(exchange)
      if (opened !== null) this.#open.delete(opened)
    }
    const opening = PublishChannel.open(client, this.#confirmTimeoutMs, forget).then((channel) => {
      opened = channel
      this.#open.add(channel)
      return channel
    })
    opening.catch(forget)
    this.#current.set(exchange, opening)
    return opening
  }

  #retire(exchange: string, opening: Promise<PublishChannel>, channel: PublishChannel): void {
    if (this.#current.get(exchange) !== opening) return
    this.#current.delete(exchange)
    this.#retired.add(channel)
  }

  /** Closing a channel earlier would lose the confirms of others that are in flight on it. */
  #closeIfDone(channel: PublishChannel): void {
    if (!this.#retired.has(channel) || channel.inFlight > 0) return
    this.#retired.delete(channel)
    this.#open.delete(channel)
    // A channel that is closed already needs no closing.
    channel.close().catch(() => {})
  }
}
