import { type AMQPChannel, type AMQPClient, AMQPConsumer, type AMQPMessage } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../event/backoff.ts"
import type { FailureRecord } from "../../event/failure.ts"
import type { ConsumeOptions, Delivery, Subscription } from "../engine.ts"
import type { Report } from "../report.ts"
import { askForCounts } from "./message-count.ts"
import { Settlements } from "./settlements.ts"
import type { TriedAttempts } from "./tried-attempts.ts"
import { attemptsBefore, bodyOf, failureOf, isForeign, traceOf } from "./wire/decode.ts"

/** The most that AMQP's basic.qos takes; 0 would be no limit. */
const MAX_PREFETCH = 65_535

/** The waits before a consumer is begun again. */
const RESUME_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 5_000 }

/**
 * How long a consumer of a queue with ordering keys waits for those before it to be gone, in milliseconds, and how
 * often it looks. Those of other instances stay, and order is then not promised.
 */
const MAX_WAIT_FOR_OTHERS_MS = 3_000
const WAIT_INTERVAL_MS = 20

/** In what RabbitMQ says of a delivery that was unsettled for too long. Source: rabbit_channel.erl. */
const ACK_TIMEOUT = "delivery acknowledgement"
const ACK_TIMEOUT_ADVICE =
  "handlers must end within RabbitMQ's consumer_timeout: raise it, or give the module a shorter timeout"

/** Where a delivery goes that is not acked as it is. */
export type Destination =
  | { readonly kind: "retry"; readonly delayMs: number; readonly attempts: number }
  | { readonly kind: "dead-letter" }

/** Whether a copy is stored, or RabbitMQ takes none, so that it has to dead-letter the original itself. */
export type Republished = "stored" | "refused"

/** Stores the event there. Tries again while the delivery can still be settled, and rejects after that. */
export type Republish = (
  message: AMQPMessage,
  queue: string,
  to: Destination,
  failure: FailureRecord,
) => Promise<Republished>

export interface QueueConsumerOptions {
  readonly queue: string
  readonly consume: ConsumeOptions
  readonly republish: Republish
  /** Declares the queue anew: one that was deleted takes its consumers with it. */
  readonly redeclare: () => Promise<void>
  /** Whether events of the queue were seen to wait for others of their ordering key, by any instance. */
  readonly isOrdered: () => Promise<boolean>
  /** Whether the broker itself lets a consumer begin only once the one before has ended. */
  readonly isSingle: () => boolean
  readonly markOrdered: () => Promise<void>
  /** Shared by all consumers of the engine: the next one of the queue gets what this one released. */
  readonly tried: TriedAttempts
  readonly report: Report
}

/** The consumer of one queue, on a channel of its own; it comes back after whatever ended it. */
export class QueueConsumer implements Subscription {
  readonly #options: QueueConsumerOptions
  readonly #onCancel: () => void
  #client: AMQPClient | null = null
  #channel: AMQPChannel | null = null
  #settlements: Settlements | null = null
  #prefetch: number
  #isOrdered = false
  /** Whether the consumer on the channel is there. */
  #begun: Promise<void> = Promise.resolve()
  #hasBegun = false
  #isCancelled = false
  /** Until then the broker may deliver to this consumer what was just stored again. */
  #cancelled: Promise<unknown> = Promise.resolve()
  #resumeTimer: Timer | undefined
  readonly #resumeDelays = new RetryDelays(RESUME_BACKOFF)

  constructor(options: QueueConsumerOptions, onCancel: () => void) {
    this.#options = options
    this.#onCancel = onCancel
    this.#prefetch = options.consume.prefetch
  }

  get queue(): string {
    return this.#options.queue
  }

  get isConsuming(): boolean {
    return this.#hasBegun && !this.#isCancelled && this.#channel?.closed === false
  }

  /** Begins on a connection; on one that it ran on already, nothing happens. */
  async start(client: AMQPClient): Promise<void> {
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
        this.#resumeLater()
      }
      const settlements = new Settlements(channel, client.socket)
      this.#settlements = settlements
      // Past the library's list of consumers: RabbitMQ may deliver after it has confirmed the end of a consumer, and
      // the library would drop that, unsettled for as long as the channel lives.
      channel.deliver = (message) => this.#deliver(message, settlements)
      const { prefetch, lookAhead = 0 } = this.#options.consume
      this.#isOrdered = await this.#options.isOrdered()
      this.#prefetch = this.#isOrdered ? prefetch + lookAhead : prefetch
      if (this.#isOrdered && !this.#options.isSingle()) await this.#othersEnd(channel)
      this.#begun = this.#consume(channel)
      await this.#begun
      if (this.#isCancelled) await this.#end(channel, settlements)
      this.#resumeDelays.reset()
    } catch {
      // A queue that is not there yet, or a connection that has just been lost.
      if (channel !== null) this.#giveUp(channel)
      this.#resumeLater()
    }
  }

  /**
   * RabbitMQ takes another prefetch for a new consumer alone (rabbitmq.com/docs/consumer-prefetch), and while two of a
   * quorum queue have unsettled deliveries, a crash would give these back in another order. So the queue is marked,
   * and consumers that begin from now on look ahead at once.
   */
  setPrefetch(prefetch: number): boolean {
    if (prefetch <= this.#prefetch) return true
    this.#isOrdered = true
    // Where that fails, the next consumer will want to look ahead as well.
    this.#options.markOrdered().catch(() => {})
    return false
  }

  async cancel(): Promise<void> {
    this.#cancel()
    await this.#cancelled
    await this.#settlements?.ended
  }

  #cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    clearTimeout(this.#resumeTimer)
    this.#onCancel()
    const channel = this.#channel
    const settlements = this.#settlements
    if (channel === null || settlements === null || channel.closed) return
    this.#cancelled = this.#begun.catch(() => {}).then(() => this.#end(channel, settlements))
  }

  /**
   * What was delivered can still be settled on the channel. What was on its way to a consumer that is cancelled goes
   * back before the rest: where order matters, the consumer takes it until the channel closes.
   */
  async #end(channel: AMQPChannel, settlements: Settlements): Promise<void> {
    // One that breaks meanwhile has ended the consumer too.
    if (!this.#isOrdered) await cancelAll(channel).catch(() => {})
    settlements.end()
  }

  /**
   * What a consumer had that was lost goes back once the broker finds it gone: seconds after it was itself killed and
   * restarted. Who consumes before that gets what is behind it.
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
      this.#hasBegun = false
      void channel
        .close()
        .catch(() => {})
        .then(() => this.#resumeLater())
    }
    // The broker cancels a consumer whose queue is deleted or loses its leader; the channel lives on. The library drops
    // a cancel that comes together with the answer to basic.consume, unless it knows the consumer's tag by then.
    const tag = Bun.randomUUIDv7()
    const early = new AMQPConsumer(channel, tag, () => {})
    channel.consumers.set(tag, early)
    early.wait().catch(beginAnew)
    const consumer = await channel.basicConsume(this.#options.queue, { noAck: false, tag }, () => {})
    consumer.wait().catch(beginAnew)
    this.#hasBegun = !isOver
  }

  /** A channel on which the consumer did not begin would be taken for one on which it runs. */
  #giveUp(channel: AMQPChannel): void {
    if (this.#channel === channel) this.#channel = null
    // It may break before it is closed.
    if (!channel.closed) channel.close().catch(() => {})
  }

  /** What was unsettled is delivered again. RabbitMQ names a handler that takes too long only here. */
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
    // Where that fails, consuming will tell, and is begun again later.
    await this.#options.redeclare().catch(() => {})
    await this.start(client)
  }

  #deliver(message: AMQPMessage, settlements: Settlements): void {
    settlements.delivered(message.deliveryTag)
    const delivery = this.#newDelivery(message, settlements)
    if (this.#isCancelled) void delivery.release()
    else this.#options.consume.onDelivery(delivery)
  }

  #newDelivery(message: AMQPMessage, settlements: Settlements): Delivery {
    const { queue, republish, tried } = this.#options
    const before = tried.take(queue, message)
    const attempt = Math.max(attemptsBefore(message), before?.attempts ?? 0) + 1
    let settled: Promise<void> | undefined
    const once = (settle: () => Promise<void>): Promise<void> => {
      settled ??= settle()
      // Who does not wait for it need not hear of it: the event is delivered again.
      settled.catch(() => {})
      return settled
    }
    // Stored there before it is acked here: an event is never between two queues.
    const move = async (to: Destination, failure: FailureRecord): Promise<void> => {
      await this.#cancelled
      const republished = await republish(message, queue, to, failure)
      if (republished === "stored") await settlements.ack(message.deliveryTag)
      else await settlements.reject(message.deliveryTag)
    }
    return {
      queue,
      body: bodyOf(message),
      priority: message.properties.priority ?? 0,
      attempt,
      lastFailure: before?.failure ?? failureOf(message, queue),
      trace: traceOf(message),
      isForeign: isForeign(message),
      get isLost() {
        return message.channel.closed
      },
      ack: () => once(() => settlements.ack(message.deliveryTag)),
      retry: (delayMs, failure) => once(() => move({ kind: "retry", delayMs, attempts: attempt }, failure)),
      deadLetter: (failure) => once(() => move({ kind: "dead-letter" }, failure)),
      release: (triedNow) =>
        once(async () => {
          const last = triedNow ?? before
          if (last !== null) tried.remember(queue, message, last)
          await this.#cancelled
          await settlements.release(message.deliveryTag)
        }),
    }
  }
}

const cancelAll = (channel: AMQPChannel): Promise<unknown> =>
  Promise.all([...channel.consumers.keys()].map((tag) => channel.basicCancel(tag)))
