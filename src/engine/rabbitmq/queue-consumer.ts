import type { AMQPChannel, AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import type { FailureRecord } from "../../event/failure.ts"
import type { ConsumeOptions, Delivery, Subscription } from "../engine.ts"
import { Acks } from "./acks.ts"
import { attemptsBefore, bodyOf, failureOf } from "./message.ts"

/** The most that AMQP's basic.qos takes; 0 would be no limit. */
const MAX_PREFETCH = 65_535

/** Waits before a consumer is begun again, in milliseconds: doubled from the first to the last. */
const RESUME_DELAY_MS = { first: 100, last: 5_000 } as const

/** Where a delivery goes that is not acked as it is. */
export type Destination =
  | { readonly kind: "retry"; readonly delayMs: number; readonly attempts: number }
  | { readonly kind: "dead-letter" }

/** Stores the event there. Goes on trying while the delivery can still be acked, and rejects after that. */
export type Republish = (
  message: AMQPMessage,
  queue: string,
  to: Destination,
  failure: FailureRecord,
) => Promise<void>

export interface QueueConsumerOptions {
  readonly queue: string
  readonly consume: ConsumeOptions
  readonly republish: Republish
  /** Declares the queue anew: one that was deleted takes its consumers with it. */
  readonly redeclare: () => Promise<void>
}

/** The consumer of one queue, on a channel of its own; it comes back after whatever ended it. */
export class QueueConsumer implements Subscription {
  readonly #options: QueueConsumerOptions
  readonly #onCancel: () => void
  #channel: AMQPChannel | null = null
  #isCancelled = false
  /** Until then the broker may deliver to this consumer what was just stored again. */
  #cancelled: Promise<unknown> = Promise.resolve()
  #resumeTimer: Timer | undefined
  #resumeDelayMs: number = RESUME_DELAY_MS.first

  constructor(options: QueueConsumerOptions, onCancel: () => void) {
    this.#options = options
    this.#onCancel = onCancel
  }

  get queue(): string {
    return this.#options.queue
  }

  /** Begins on a connection; on one that it ran on already, nothing happens. */
  async start(client: AMQPClient): Promise<void> {
    if (this.#isCancelled || client.closed) return
    if (this.#channel !== null && !this.#channel.closed && this.#channel.connection === client) return
    clearTimeout(this.#resumeTimer)
    try {
      const channel = await client.channel()
      this.#channel = channel
      channel.onerror = () => this.#resumeLater(client)
      // Past the library's list of consumers: RabbitMQ may deliver after it has confirmed the end of a consumer, and
      // the library would drop that, unsettled for as long as the channel lives.
      const acks = new Acks(channel, client.socket)
      channel.deliver = (message) => this.#deliver(message, acks)
      await channel.basicQos(Math.min(MAX_PREFETCH, this.#options.consume.prefetch))
      const consumer = await channel.basicConsume(this.#options.queue, { noAck: false }, () => {})
      // The broker cancels a consumer whose queue is deleted or loses its leader; the channel lives on.
      consumer.wait().catch(
        () =>
          void channel
            .close()
            .catch(() => {})
            .then(() => this.#resumeLater(client)),
      )
      this.#resumeDelayMs = RESUME_DELAY_MS.first
      if (this.#isCancelled) await channel.basicCancel(consumer.tag)
    } catch {
      // A queue that is not there yet, or a connection that has just been lost.
      this.#resumeLater(client)
    }
  }

  cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    clearTimeout(this.#resumeTimer)
    this.#onCancel()
    const channel = this.#channel
    if (channel === null || channel.closed) return
    // What was delivered can still be settled on the channel. One that breaks meanwhile has ended the consumer too.
    const cancels = [...channel.consumers.keys()].map((tag) => channel.basicCancel(tag))
    this.#cancelled = Promise.allSettled(cancels)
  }

  #resumeLater(client: AMQPClient): void {
    if (this.#isCancelled || client.closed) return
    clearTimeout(this.#resumeTimer)
    this.#resumeTimer = setTimeout(() => void this.#resume(client), this.#resumeDelayMs)
    this.#resumeDelayMs = Math.min(this.#resumeDelayMs * 2, RESUME_DELAY_MS.last)
  }

  async #resume(client: AMQPClient): Promise<void> {
    // Where that fails, consuming will tell, and is begun again later.
    await this.#options.redeclare().catch(() => {})
    await this.start(client)
  }

  #deliver(message: AMQPMessage, acks: Acks): void {
    acks.delivered(message.deliveryTag)
    if (this.#isCancelled) {
      acks.release(message.deliveryTag).catch(() => {})
      return
    }
    this.#options.consume.onDelivery(this.#newDelivery(message, acks))
  }

  #newDelivery(message: AMQPMessage, acks: Acks): Delivery {
    const { queue, republish } = this.#options
    const attempt = attemptsBefore(message) + 1
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
      await republish(message, queue, to, failure)
      await acks.ack(message.deliveryTag)
    }
    return {
      queue,
      body: bodyOf(message),
      priority: message.properties.priority ?? 0,
      attempt,
      lastFailure: failureOf(message, queue),
      ack: () => once(() => acks.ack(message.deliveryTag)),
      retry: (delayMs, failure) => once(() => move({ kind: "retry", delayMs, attempts: attempt }, failure)),
      deadLetter: (failure) => once(() => move({ kind: "dead-letter" }, failure)),
      release: () =>
        once(async () => {
          await this.#cancelled
          await acks.release(message.deliveryTag)
        }),
    }
  }
}
