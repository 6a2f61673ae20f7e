import { type AMQPChannel, type AMQPClient, AMQPConsumer, type AMQPMessage } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../../event/backoff.ts"
import type { AdapterConsumeOptions, AdapterSubscription } from "../../key-order/adapter-consumer.ts"
import type { Report } from "../../report.ts"
import { askForCounts } from "../queues/message-count.ts"
import { completeForeign } from "../wire/complete-foreign.ts"
import type { FirstSights } from "./first-sights.ts"
import { type DeliveryConsumer, type DeliveryOptions, newDelivery } from "./queue-delivery.ts"
import { Settlements } from "./settlements.ts"

/** Largest prefetch of AMQP's basic.qos; 0 would mean no limit. */
const MAX_PREFETCH = 65_535

/** Backoff before a consumer is started again. */
const RESUME_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 5_000 }

/**
 * How long a consumer of a queue with ordering keys waits for earlier consumers to end, and how often it
 * checks, in milliseconds. Consumers of other instances stay; order is then not guaranteed.
 */
const MAX_WAIT_FOR_OTHERS_MS = 3_000
const WAIT_INTERVAL_MS = 20

/** Part of RabbitMQ's reason if a delivery was unsettled for too long. Source: rabbit_channel.erl. */
const ACK_TIMEOUT = "delivery acknowledgement"
const ACK_TIMEOUT_ADVICE =
  "handlers must finish within RabbitMQ's consumer_timeout: raise it, or set a shorter timeout in the module"

export interface QueueConsumerOptions extends DeliveryOptions {
  readonly consume: AdapterConsumeOptions
  /** Declares the queue again, because deleting a queue also deletes its consumers. */
  readonly redeclare: () => Promise<void>
  /**
   * Resolves with true if any instance has seen events of the queue wait for others of their ordering key.
   */
  readonly isOrdered: () => Promise<boolean>
  /** Returns whether the broker starts a consumer only after the previous one has ended. */
  readonly isSingle: () => boolean
  readonly markOrdered: () => Promise<void>
  /** Returns true if this broker can forget consumers: see `forgetsConsumers`. */
  readonly isForgetful: () => boolean
  /** How long an idle consumer of such a broker runs before it is replaced, in milliseconds. */
  readonly renewIdleMs: number
  /** Queues of which an event came whose order matters. Shared by all consumers of the engine. */
  readonly keyed: Set<string>
  readonly sights: FirstSights
  readonly report: Report
}

/** The consumer of one queue, on its own channel. Starts again after every end. */
export class QueueConsumer implements AdapterSubscription {
  readonly #options: QueueConsumerOptions
  readonly #onCancel: () => void
  #client: AMQPClient | null = null
  #channel: AMQPChannel | null = null
  #settlements: Settlements | null = null
  #prefetch: number
  #isOrdered = false
  /** Resolves when every start that began has ended. */
  #starting: Promise<unknown> = Promise.resolve()
  /** Resolves when the consumer is registered on the channel. */
  #begun: Promise<void> = Promise.resolve()
  #hasBegun = false
  #isCancelled = false
  /** Until it resolves, the broker may deliver a copy that was just stored to this consumer. */
  #cancelled: Promise<unknown> = Promise.resolve()
  #resumeTimer: Timer | undefined
  readonly #renewTimer: Timer
  #renewing: Promise<void> | null = null
  /** Tag of the last delivery when the consumer was last looked at. */
  #lastTag = 0
  readonly #resumeDelays = new RetryDelays(RESUME_BACKOFF)

  constructor(options: QueueConsumerOptions, onCancel: () => void) {
    this.#options = options
    this.#onCancel = onCancel
    this.#prefetch = options.consume.prefetch
    this.#renewTimer = setInterval(() => this.#renewIfIdle(), options.renewIdleMs)
  }

  get queue(): string {
    return this.#options.queue
  }

  get isConsuming(): boolean {
    if (this.#isCancelled) return false
    return this.#renewing !== null || (this.#hasBegun && this.#channel?.closed === false)
  }

  /** Starts on a connection. Does nothing if it already runs on this one. */
  async start(client: AMQPClient): Promise<void> {
    const start = this.#start(client)
    this.#starting = Promise.all([this.#starting, start])
    await start
  }

  async #start(client: AMQPClient): Promise<void> {
    if (this.#isCancelled || client.closed) return
    this.#client = client
    if (this.#channel !== null && !this.#channel.closed && this.#channel.connection === client) return
    clearTimeout(this.#resumeTimer)
    this.#hasBegun = false
    let channel: AMQPChannel | null = null
    try {
      channel = await client.channel()
      this.#channel = channel
      channel.onerror = (reason) => {
        if (!client.closed) this.#tellWhyClosed(reason)
        if (this.#channel === channel) this.#resumeLater()
      }
      const settlements = new Settlements(channel, client.socket)
      this.#settlements = settlements
      // Bypasses the library's list of consumers: RabbitMQ may deliver after it has confirmed the end of a
      // consumer, and the library would drop such a delivery, unsettled as long as the channel lives.
      const consumer = { ...this.#options, settlements, cancelled: () => this.#cancelled }
      channel.deliver = (message) => this.#deliver(message, consumer)
      const { prefetch, lookAhead = 0 } = this.#options.consume
      this.#isOrdered = await this.#options.isOrdered()
      this.#prefetch = this.#isOrdered ? prefetch + lookAhead : prefetch
      if (this.#keepsOrder && !this.#options.isSingle()) await this.#othersEnd(channel)
      // A next consumer must not find this one in its way.
      if (this.#isCancelled) return this.#giveUp(channel)
      this.#begun = this.#consume(channel)
      await this.#begun
      if (this.#isCancelled) await this.#end(channel, settlements)
      this.#resumeDelays.reset()
    } catch {
      // The queue does not exist yet, or the connection was just lost.
      if (channel !== null) this.#giveUp(channel)
      this.#resumeLater()
    }
  }

  /**
   * RabbitMQ applies a new prefetch only to new consumers (rabbitmq.com/docs/consumer-prefetch), and while
   * two consumers of a quorum queue have unsettled deliveries, a crash would return these in another order.
   * So the queue is marked, and consumers that start later look ahead at once.
   */
  setPrefetch(prefetch: number): boolean {
    if (prefetch <= this.#prefetch) return true
    this.#isOrdered = true
    // If that fails, the next consumer tries to look ahead as well.
    this.#options.markOrdered().catch(() => {})
    return false
  }

  keepOrder(): void {
    this.#options.keyed.add(this.queue)
  }

  get #keepsOrder(): boolean {
    return this.#isOrdered || this.#options.keyed.has(this.queue)
  }

  async cancel(): Promise<void> {
    this.#cancel()
    await this.#starting
    await this.#renewing
    await this.#cancelled
    await this.#settlements?.ended
  }

  #cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    clearTimeout(this.#resumeTimer)
    clearInterval(this.#renewTimer)
    this.#onCancel()
    const channel = this.#channel
    const settlements = this.#settlements
    if (channel === null || settlements === null || channel.closed) return
    this.#cancelled = this.#begun.catch(() => {}).then(() => this.#end(channel, settlements))
  }

  /**
   * Earlier deliveries can still be settled on the channel. Deliveries on their way to a cancelled consumer
   * would return before the rest, so where order matters, the consumer receives them until the channel
   * closes.
   */
  async #end(channel: AMQPChannel, settlements: Settlements): Promise<void> {
    // If the channel breaks meanwhile, the consumer has ended, too.
    if (!this.#keepsOrder) await cancelAll(channel).catch(() => {})
    settlements.end()
  }

  #renewIfIdle(): void {
    const channel = this.#channel
    const settlements = this.#settlements
    const client = this.#client
    if (!this.isConsuming || this.#renewing !== null || !this.#options.isForgetful()) return
    if (channel === null || settlements === null || client === null) return
    const isIdle = settlements.isIdle && settlements.lastTag === this.#lastTag
    this.#lastTag = settlements.lastTag
    if (!isIdle) return
    this.#renewing = this.#renew(client, channel, settlements).finally(() => {
      this.#renewing = null
    })
  }

  /** A forgotten consumer looks like an idle one. Its events return to the queue with its channel. */
  async #renew(client: AMQPClient, channel: AMQPChannel, settlements: Settlements): Promise<void> {
    this.#channel = null
    await this.#end(channel, settlements)
    if (this.#keepsOrder) await settlements.ended
    await this.start(client)
  }

  /**
   * Deliveries of a lost consumer return when the broker notices its end: seconds later, if the broker itself
   * was killed and restarted. A consumer that starts earlier would receive the events behind them.
   */
  async #othersEnd(channel: AMQPChannel): Promise<void> {
    const goesOnAt = performance.now() + MAX_WAIT_FOR_OTHERS_MS
    while (performance.now() < goesOnAt && !this.#isCancelled) {
      const counts = await askForCounts(channel, this.#options.queue)
      if (counts?.consumerCount === 0) return
      await Bun.sleep(WAIT_INTERVAL_MS)
    }
  }

  async #consume(channel: AMQPChannel): Promise<void> {
    await channel.basicQos(Math.min(MAX_PREFETCH, this.#prefetch))
    let isOver = false
    const beginAnew = (): void => {
      isOver = true
      if (this.#channel !== channel) return
      this.#hasBegun = false
      void channel
        .close()
        .catch(() => {})
        .then(() => this.#resumeLater())
    }
    // The broker cancels a consumer whose queue is deleted or loses its leader; the channel stays open. The
    // library drops a cancel that arrives together with the answer to basic.consume, unless it already knows
    // the consumer's tag.
    const tag = Bun.randomUUIDv7()
    const early = new AMQPConsumer(channel, tag, () => {})
    channel.consumers.set(tag, early)
    early.wait().catch(beginAnew)
    const consumer = await channel.basicConsume(this.#options.queue, { noAck: false, tag }, () => {})
    consumer.wait().catch(beginAnew)
    this.#hasBegun = !isOver
  }

  /** Otherwise a channel whose consumer did not start would be taken for one on which it runs. */
  #giveUp(channel: AMQPChannel): void {
    if (this.#channel === channel) this.#channel = null
    // The channel may break before it is closed.
    if (!channel.closed) channel.close().catch(() => {})
  }

  /** Unsettled deliveries are delivered again. Only here does RabbitMQ say that a handler takes too long. */
  #tellWhyClosed(reason: string): void {
    this.#options.report("error", "RabbitMQ closed the channel of a consumer", {
      queue: this.queue,
      reason,
      ...(reason.includes(ACK_TIMEOUT) && { advice: ACK_TIMEOUT_ADVICE }),
    })
  }

  #resumeLater(): void {
    const client = this.#client
    if (this.#isCancelled || client === null || client.closed) return
    clearTimeout(this.#resumeTimer)
    this.#resumeTimer = setTimeout(() => void this.#resume(client), this.#resumeDelays.next())
  }

  async #resume(client: AMQPClient): Promise<void> {
    // If that fails, consuming fails as well, and is started again later.
    await this.#options.redeclare().catch(() => {})
    await this.start(client)
  }

  #deliver(message: AMQPMessage, consumer: DeliveryConsumer): void {
    consumer.settlements.delivered(message.deliveryTag)
    const malformed = completeForeign(message, this.#options.sights.originOf)
    const delivery = newDelivery(message, malformed, consumer)
    const { onDelivery, onReturned } = this.#options.consume
    if (this.#isCancelled) {
      onReturned?.(delivery)
      void delivery.release()
    } else onDelivery(delivery)
  }
}

const cancelAll = (channel: AMQPChannel): Promise<unknown> =>
  Promise.all([...channel.consumers.keys()].map((tag) => channel.basicCancel(tag)))
