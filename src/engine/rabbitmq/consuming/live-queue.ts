import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../../event/backoff.ts"
import type { Watcher } from "../../engine.ts"
import { EngineUnavailableError } from "../../errors.ts"
import { Watchers } from "../../watchers.ts"
import { faultError, faultOf } from "../wire/broker-fault.ts"
import { completeForeign } from "../wire/complete-foreign.ts"
import { bodyOf } from "../wire/decode.ts"
import type { FirstSights } from "./first-sights.ts"

/** Most events that wait while this process is busy; the broker then drops the oldest. */
const MAX_LENGTH = 100_000

/** Begins the name of each live queue, so that an administrator can permit it and knows it in a list of queues. */
const NAME_PREFIX = "event-broker.live."

/** The waits before the queue is declared again. */
const RESUME_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 5_000 }

export interface LiveQueueOptions {
  readonly exchange: string
  /** False with `TOPOLOGY=passive`: nothing may be declared, so watching is impossible. */
  readonly isAllowed: boolean
  /** Returns the patterns of the queues that this instance knows. */
  readonly patterns: () => readonly string[]
  readonly sights: FirstSights
}

/**
 * One exclusive queue for all watchers of this instance, while there are any. It is bound with the patterns
 * of the durable queues, never with wider ones: RabbitMQ would count an event that only a watcher receives as
 * routed, and its publisher would be told that it is stored.
 */
export class LiveQueue {
  readonly #options: LiveQueueOptions
  readonly #watchers = new Watchers()
  readonly #delays = new RetryDelays(RESUME_BACKOFF)
  #client: AMQPClient | null = null
  #channel: AMQPChannel | null = null
  /** Resolves when the queue is consumed; null if it does not exist and is not being declared. */
  #begun: Promise<void> | null = null
  #timer: Timer | undefined

  constructor(options: LiveQueueOptions) {
    this.#options = options
  }

  /** @throws {EngineUnavailableError} */
  async watch(watcher: Watcher): Promise<() => void> {
    if (!this.#options.isAllowed) {
      throw new EngineUnavailableError(
        "the live stream is not available with TOPOLOGY=passive, because it declares its own queue",
      )
    }
    const remove = this.#watchers.add(watcher)
    const end = (): void => {
      remove()
      if (this.#watchers.isEmpty) this.#end()
    }
    try {
      await (this.#begun ?? this.#begin())
      return end
    } catch (error) {
      end()
      const cause = faultError(faultOf(error))
      throw new EngineUnavailableError(`the live stream can't start: ${cause.message}`, { cause })
    }
  }

  /** Continues on a new connection. */
  reconnected(client: AMQPClient): void {
    this.#client = client
    if (this.#watchers.isEmpty) return
    this.#watchers.tellOfGap()
    this.#beginAnew()
  }

  /** Binds queues that were declared since. */
  redeclared(): void {
    if (this.#watchers.isEmpty) return
    this.#end()
    this.#beginAnew()
  }

  /**
   * Binds again after the exchange or a queue may have lost its bindings. The number of missed events is
   * unknown.
   */
  rebound(): void {
    this.#watchers.tellOfGap()
    this.redeclared()
  }

  #begin(): Promise<void> {
    clearTimeout(this.#timer)
    const client = this.#client
    const isAway = client === null || client.closed
    this.#begun = isAway ? Promise.reject(new Error("RabbitMQ is unavailable")) : this.#consume(client)
    return this.#begun
  }

  #beginAnew(): void {
    const begun = this.#begin()
    begun.then(
      () => this.#delays.reset(),
      () => {
        // A start that was replaced fails, too. A second queue would deliver every event twice.
        if (this.#begun === begun) this.#beginLater()
      },
    )
  }

  async #consume(client: AMQPClient): Promise<void> {
    const channel = await client.channel()
    this.#channel = channel
    const isOver = (): boolean => this.#channel !== channel || this.#watchers.isEmpty
    const queue = await channel.queueDeclare(
      NAME_PREFIX + Bun.randomUUIDv7(),
      { durable: false, exclusive: true, autoDelete: true },
      { "x-max-length": MAX_LENGTH, "x-overflow": "drop-head" },
    )
    for (const pattern of this.#options.patterns()) {
      await channel.queueBind(queue.name, this.#options.exchange, pattern)
    }
    // Past the library's list of consumers: it drops events that arrive together with the answer to basic.consume.
    channel.deliver = (message) => {
      const malformed = completeForeign(message, this.#options.sights.originOf)
      this.#watchers.tell({
        routingKey: message.routingKey,
        body: bodyOf(message),
        // Any program can claim this service's app id, and invalid events would break the stream.
        isForeign: true,
        malformed,
      })
    }
    const consumer = await channel.basicConsume(queue.name, { noAck: true, exclusive: true }, () => {})
    if (isOver()) return void channel.close().catch(() => {})
    consumer.wait().catch(() => {
      if (isOver()) return
      this.#watchers.tellOfGap()
      this.#beginLater()
    })
  }

  /** After a lost connection, the next one starts it. */
  #beginLater(): void {
    this.#begun = null
    if (this.#watchers.isEmpty || this.#client === null || this.#client.closed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#beginAnew(), this.#delays.next())
  }

  #end(): void {
    clearTimeout(this.#timer)
    const channel = this.#channel
    this.#channel = null
    this.#begun = null
    channel?.close().catch(() => {})
  }
}
