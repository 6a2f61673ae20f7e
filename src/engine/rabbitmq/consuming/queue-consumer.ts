import type { AMQPChannel, AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../../event/backoff.ts"
import type { Delivery } from "../../engine.ts"
import type { AdapterSubscription } from "../../key-order/adapter-consumer.ts"
import { endsConnection, faultOf, refusalText } from "../wire/broker-fault.ts"
import { completeForeign } from "../wire/complete-foreign.ts"
import { abandon, beginConsumer, endRun, isForgotten, othersEnd, type Run } from "./consumer-run.ts"
import { DeliveryGate, roomFor } from "./delivery-gate.ts"
import type { QueueConsumerOptions } from "./queue-consumer-options.ts"
import { type DeliveryConsumer, newDelivery } from "./queue-delivery.ts"
import { Settlements } from "./settlements.ts"

/** Backoff before a consumer is started again. */
const RESUME_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 5_000 }

/** How long RabbitMQ may take to start a consumer until its queue counts as unusable, in milliseconds. */
const SILENT_AFTER_MS = 5_000

/** Part of RabbitMQ's reason if a delivery was unsettled for too long. Source: rabbit_channel.erl. */
const ACK_TIMEOUT = "delivery acknowledgement"
const ACK_TIMEOUT_ADVICE =
  "handlers must finish within RabbitMQ's consumer_timeout: raise it, or set a shorter timeout in the module"

type State =
  /** There is no connection, or the last run has ended; then it starts again when the timer fires. */
  | { readonly name: "idle"; readonly resume?: Timer }
  | { readonly name: "opening"; readonly isRenewal: boolean; readonly client: AMQPClient }
  | { readonly name: "starting"; readonly isRenewal: boolean; readonly run: Run }
  | { readonly name: "consuming"; readonly run: Run }
  /** An idle run is being replaced. */
  | { readonly name: "renewing"; readonly run: Run }
  | { readonly name: "cancelled"; readonly run: Run | null }

/**
 * The consumer of one queue, on its own channel. Starts again after every end: idle, opening, starting, consuming, and
 * from each of them back to idle, until it is cancelled.
 */
export class QueueConsumer implements AdapterSubscription {
  readonly #options: QueueConsumerOptions
  readonly #onCancel: () => void
  readonly #onEnd: () => void
  #state: State = { name: "idle" }
  #prefetch: number
  /** Events of the queue wait for others of their ordering key, on any instance. */
  #isOrdered = false
  #isChecking = false
  /** Resolves when every start and renewal that began has ended. */
  #starting: Promise<unknown> = Promise.resolve()
  /** Until it resolves, the broker may deliver a copy that was just stored to this consumer. */
  #cancelled: Promise<unknown> = Promise.resolve()
  readonly #renewTimer: Timer
  /** Tag of the last delivery when the consumer was last looked at. */
  #lastTag = 0
  readonly #resumeDelays = new RetryDelays(RESUME_BACKOFF)

  /** @param onEnd called when it is cancelled and its deliveries are settled */
  constructor(options: QueueConsumerOptions, onCancel: () => void, onEnd: () => void) {
    this.#options = options
    this.#onCancel = onCancel
    this.#onEnd = onEnd
    this.#prefetch = options.consume.prefetch
    this.#renewTimer = setInterval(() => {
      this.#renewIfIdle()
      void this.check()
    }, options.renewIdleMs)
  }

  get queue(): string {
    return this.#options.queue
  }

  get isConsuming(): boolean {
    const state = this.#state
    switch (state.name) {
      case "consuming":
        return !state.run.channel.closed
      case "renewing":
        return true
      case "opening":
      case "starting":
        return state.isRenewal
      default:
        return false
    }
  }

  /** Looks whether RabbitMQ still has the consumer. It forgets those of a queue whose replicas are lost, without a word. */
  async check(): Promise<void> {
    const state = this.#state
    if (state.name !== "consuming" || !this.isConsuming || this.#isChecking) return
    this.#isChecking = true
    const isGone = await isForgotten(state.run.client, this.queue)
    this.#isChecking = false
    if (isGone && this.#state === state) this.#options.onForgotten()
  }

  /** Starts on a connection. Does nothing if it already runs on this one. */
  async start(client: AMQPClient): Promise<void> {
    if (this.#state.name === "cancelled" || client.closed || this.#runsOn(client)) return
    await this.#track(this.#start(client, false))
  }

  #track(work: Promise<void>): Promise<void> {
    this.#starting = Promise.all([this.#starting, work])
    return work
  }

  #runsOn(client: AMQPClient): boolean {
    const state = this.#state
    if (state.name === "opening") return state.client === client
    const run = state.name === "starting" || state.name === "consuming" ? state.run : null
    return run !== null && run.client === client && !run.channel.closed
  }

  #enter(state: State): void {
    if (this.#state.name === "idle") clearTimeout(this.#state.resume)
    this.#state = state
  }

  #isAt(run: Run): boolean {
    const { name } = this.#state
    return (name === "starting" || name === "consuming") && this.#state.run === run
  }

  async #start(client: AMQPClient, isRenewal: boolean): Promise<void> {
    const opening: State = { name: "opening", isRenewal, client }
    if (this.#state.name === "consuming") this.#leave(this.#state.run)
    this.#enter(opening)
    let run: Run
    try {
      run = this.#open(client, await client.channel())
    } catch {
      // The connection was just lost.
      if (this.#state === opening) this.#startAgain(client)
      return
    }
    // It was cancelled meanwhile, or has started on another connection.
    if (this.#state !== opening) return abandon(run)
    this.#enter({ name: "starting", isRenewal, run })
    try {
      await this.#prepare(run)
      // A next consumer must not find this one in its way.
      if (!this.#isAt(run)) return abandon(run)
    } catch {
      // The connection was just lost.
      this.#giveUp(run)
      return
    }
    await this.#begin(run)
  }

  /** Registers the consumer of a run. Resolves when RabbitMQ has answered, or takes long. */
  async #begin(run: Run): Promise<void> {
    const { onUnusable, onConnectionEnded, onUsable } = this.#options
    const { promise: silence, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(() => {
      run.isSilent = true
      onUnusable("RabbitMQ does not answer for it")
      resolve()
    }, SILENT_AFTER_MS)
    run.begun = this.#consume(run)
    const answered = run.begun
      .then(() => {
        // It goes on elsewhere, or was cancelled meanwhile.
        if (run.isSilent && !this.#isAt(run)) return abandon(run)
        onUsable()
        this.#resumeDelays.reset()
      })
      .catch((error: unknown) => {
        // The queue does not exist yet, or can't be used, or the connection was just lost.
        if (endsConnection(error)) onConnectionEnded(refusalText(error))
        this.#giveUp(run)
      })
      .finally(() => {
        clearTimeout(timer)
        run.isSilent = false
      })
    await Promise.race([answered, silence])
  }

  #giveUp(run: Run): void {
    abandon(run)
    if (this.#isAt(run)) this.#startAgain(run.client)
  }

  /** Deliveries of a run that goes on elsewhere are settled on its channel. A lost channel settles none. */
  #leave({ client, gate, settlements }: Run): void {
    if (client.closed) return
    gate.end()
    settlements.end()
  }

  /** Chooses the prefetch, and waits for consumers whose deliveries have to return before. */
  async #prepare(run: Run): Promise<void> {
    const { prefetch, lookAhead = 0 } = this.#options.consume
    this.#isOrdered = await this.#options.isOrdered()
    this.#prefetch = this.#isOrdered ? prefetch + lookAhead : prefetch
    if (this.#keepsOrder && !this.#options.isSingle())
      await othersEnd(run.channel, this.queue, () => this.#isAt(run))
  }

  #open(client: AMQPClient, channel: AMQPChannel): Run {
    const settlements = new Settlements(channel, client.socket)
    this.#options.unsettled.add(this.queue, settlements)
    const gate = this.#newGate()
    const run: Run = { client, channel, settlements, gate, begun: Promise.resolve(), isSilent: false }
    channel.onerror = (reason) => {
      gate.end()
      if (faultOf(reason).kind === "channel-closed") this.#tellWhyClosed(reason)
      if (this.#isAt(run)) this.#startAgain(client)
    }
    // Bypasses the library's list of consumers: RabbitMQ may deliver after it has confirmed the end of a
    // consumer, and the library would drop such a delivery, unsettled as long as the channel lives.
    const onDecided = (): void => gate.decided()
    const consumer = { ...this.#options, settlements, onDecided, cancelled: () => this.#cancelled }
    channel.deliver = (message) => gate.arrived(this.#receive(message, consumer))
    return run
  }

  #newGate(): DeliveryGate {
    const { onDelivery, onReturned } = this.#options.consume
    return new DeliveryGate({
      prefetch: () => this.#prefetch,
      onDelivery,
      onReturned: (delivery) => {
        onReturned?.(delivery)
        void delivery.release()
      },
    })
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
    const run = this.#cancel()
    await this.#starting
    await this.#cancelled
    await run?.settlements.ended
    this.#onEnd()
  }

  /** Returns the run that it ends. */
  #cancel(): Run | null {
    if (this.#state.name === "cancelled") return this.#state.run
    const run = "run" in this.#state ? this.#state.run : null
    this.#enter({ name: "cancelled", run })
    clearInterval(this.#renewTimer)
    this.#onCancel()
    if (run !== null && !run.channel.closed && !run.isSilent)
      this.#cancelled = run.begun.catch(() => {}).then(() => this.#end(run))
    run?.gate.end()
    return run
  }

  #end(run: Run): Promise<void> {
    return endRun(run, this.#keepsOrder)
  }

  #renewIfIdle(): void {
    if (this.#state.name !== "consuming" || !this.isConsuming || !this.#options.isForgetful()) return
    const { run } = this.#state
    const { isIdle, lastTag } = run.settlements
    const isUnchanged = lastTag === this.#lastTag
    this.#lastTag = lastTag
    if (isIdle && isUnchanged) void this.#track(this.#renew(run))
  }

  /** A forgotten consumer looks like an idle one. Its events return to the queue with its channel. */
  async #renew(run: Run): Promise<void> {
    const renewing: State = { name: "renewing", run }
    this.#enter(renewing)
    await this.#end(run)
    if (this.#keepsOrder) await run.settlements.ended
    if (this.#state !== renewing) return
    if (run.client.closed) this.#enter({ name: "idle" })
    else await this.#start(run.client, true)
  }

  async #consume(run: Run): Promise<void> {
    const { client, channel } = run
    const { recordsFacts, consume } = this.#options
    const room = recordsFacts ? roomFor(consume.prefetch) : 0
    await beginConsumer(channel, this.queue, this.#prefetch + room, () => {
      if (!this.#isAt(run)) return
      this.#enter({ name: "idle" })
      run.gate.end()
      void channel
        .close()
        .catch(() => {})
        .then(() => this.#resumeLater(client))
    })
    if (this.#isAt(run)) this.#enter({ name: "consuming", run })
  }

  /** Unsettled deliveries are delivered again. Only here does RabbitMQ say that a handler takes too long. */
  #tellWhyClosed(reason: string): void {
    this.#options.report("error", "RabbitMQ closed the channel of a consumer", {
      queue: this.queue,
      reason,
      ...(reason.includes(ACK_TIMEOUT) && { advice: ACK_TIMEOUT_ADVICE }),
    })
  }

  #startAgain(client: AMQPClient): void {
    this.#enter({ name: "idle" })
    this.#resumeLater(client)
  }

  /** Does nothing unless it is idle, or if the connection is lost: the next one starts it. */
  #resumeLater(client: AMQPClient): void {
    if (this.#state.name !== "idle" || client.closed) return
    const resume = setTimeout(() => void this.#resume(client), this.#resumeDelays.next())
    this.#enter({ name: "idle", resume })
  }

  async #resume(client: AMQPClient): Promise<void> {
    // If that fails, consuming fails as well, and is started again later.
    await this.#options.redeclare().catch(() => {})
    await this.start(client)
  }

  #receive(message: AMQPMessage, consumer: DeliveryConsumer): Delivery {
    consumer.settlements.delivered(message.deliveryTag)
    const malformed = completeForeign(message, this.#options.sights.originOf)
    return newDelivery(message, malformed, consumer)
  }
}
