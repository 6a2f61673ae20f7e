import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import { withTimeout } from "../../../system/with-timeout.ts"
import { PublishError, unroutable } from "../../errors.ts"
import { type ChannelClosed, faultError, faultOf, NOT_FOUND } from "../wire/broker-fault.ts"
import { corkForTurn } from "../wire/turn-cork.ts"
import { giveUp, letGoOfBuffers, Unconfirmed } from "../wire/unconfirmed.ts"
import { BrokerLimits } from "./broker-limits.ts"
import { ConfirmWatch } from "./confirm-watch.ts"
import { InFlight } from "./in-flight.ts"
import { culpritsOf, type Outgoing, type PendingPublish } from "./pending-publish.ts"
import type { PublishChannelOptions } from "./publish-channel-options.ts"
import { errorOf, errorOfCulprit, unconfirmed } from "./publish-refusal.ts"

/** Most publishes with a lost confirm, while others are confirmed, before the channel is reopened. */
const MAX_LOST = 100

/** Age from which a publish that is not confirmed is told, in milliseconds. */
const SLOW_AFTER_MS = 1_500

/** For this long after a restore, a missing exchange is not restored again, in milliseconds. */
const RESTORED_FOR_MS = 1_000

/**
 * Minimum age of a channel before publishers may renew it, in milliseconds, because renewing republishes what
 * is in flight.
 */
const RENEWED_FOR_MS = 1_000

const LOST = "the connection to RabbitMQ was lost"
const STALLED = "RabbitMQ does not confirm events: most of its cluster hangs, or the network in between"

/**
 * Publishes with confirms, any number of them in flight. RabbitMQ returns an unroutable message before its
 * ack, in publishing order. Source: rabbitmq.com/docs/confirms#when-publishes-are-confirmed.
 *
 * RabbitMQ answers a message that it can't accept by closing the channel, with everything in flight on it.
 * The message that caused it is refused; the others are published again, with the same ids, on a new channel.
 */
export class PublishChannel {
  readonly #client: AMQPClient
  readonly #options: PublishChannelOptions
  readonly #inFlight = new InFlight()
  readonly #limits: BrokerLimits
  readonly #watch: ConfirmWatch
  /** Null while it is being reopened. */
  #channel: AMQPChannel | null = null
  #unconfirmed: Unconfirmed | null = null
  /** A publish that is alone on the channel, to test whether RabbitMQ closes it again. */
  #alone: { readonly pending: PendingPublish; readonly end: (fault: ChannelClosed | null) => void } | null =
    null
  #restoredAt = Number.NEGATIVE_INFINITY
  #lost = 0
  #lastLost: Outgoing | null = null
  #probe: PendingPublish | null = null
  #renewedAt = Number.NEGATIVE_INFINITY
  /** True while publishes wait for the channel to reopen. */
  #isRecovering = false
  #isOver = false

  static async open(client: AMQPClient, options: PublishChannelOptions): Promise<PublishChannel> {
    const publisher = new PublishChannel(client, options)
    await publisher.#openChannel()
    return publisher
  }

  private constructor(client: AMQPClient, options: PublishChannelOptions) {
    this.#client = client
    this.#options = options
    this.#limits = new BrokerLimits(options.report, options.troubles ?? null)
    this.#watch = new ConfirmWatch({
      confirmTimeoutMs: options.confirmTimeoutMs,
      onTick: () => this.#expire(),
      onChange: () => options.onStatusChange?.(),
    })
  }

  /** Number of publishes waiting for their confirm. */
  get inFlight(): number {
    return this.#inFlight.size - (this.#probe !== null && this.#inFlight.has(this.#probe) ? 1 : 0)
  }

  /** Ready if RabbitMQ confirms publishes. */
  get status(): { readonly state: "ready" } | { readonly state: "unavailable"; readonly reason: string } {
    if (this.#isOver) return { state: "unavailable", reason: LOST }
    return this.#watch.isStalled ? { state: "unavailable", reason: STALLED } : { state: "ready" }
  }

  /**
   * Resolves when the publish is confirmed.
   * @throws {PublishError} `unroutable`; `queue-full` if a queue refused it; `payload-too-large` and
   * `engine-refused` if RabbitMQ never accepts it; `engine-unavailable` while RabbitMQ confirms nothing;
   * `confirm-timeout` without an answer in time or after a lost connection.
   */
  publish(outgoing: Outgoing): Promise<void> {
    const refusal = this.#refusalOf(outgoing)
    if (refusal !== null) return Promise.reject(refusal)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const pending = this.#begin(outgoing, resolve, reject)
    if (this.#channel !== null && !this.#isRecovering) this.#send(pending, this.#channel)
    return promise
  }

  /**
   * Reopens the channel and republishes what is in flight, at most once a second. Use it when messages are
   * refused without a reason: on RabbitMQ 3.10 a channel can keep sending to the lost leader of a quorum
   * queue as long as the channel lives.
   */
  renew(): void {
    if (performance.now() - this.#renewedAt < RENEWED_FOR_MS) return
    if (this.#channel !== null && !this.#isRecovering) this.#renew(this.#channel)
  }

  /** Rejects all waiting publishes, because their outcome will stay unknown. */
  abandon(error: PublishError): void {
    for (const pending of this.#inFlight) this.#refuse(pending, error)
    this.#watch.reset()
  }

  #refusalOf(outgoing: Outgoing): PublishError | null {
    if (this.#isOver) return new PublishError("engine-unavailable", LOST)
    if (this.#watch.isStalled && !this.#watch.takeTrial()) {
      return new PublishError("engine-unavailable", STALLED)
    }
    return this.#limits.refusalOf(outgoing)
  }

  #begin(outgoing: Outgoing, resolve: () => void, reject: (error: PublishError) => void): PendingPublish {
    const givenUpAt = performance.now() + this.#options.confirmTimeoutMs
    const pending: PendingPublish = {
      outgoing,
      givenUpAt,
      resolve,
      reject,
      isReturned: false,
      channel: null,
      entry: undefined,
    }
    this.#inFlight.add(pending)
    this.#watch.begin()
    return pending
  }

  #send(pending: PendingPublish, channel: AMQPChannel): void {
    const { exchange, routingKey, body, properties } = pending.outgoing
    const before = this.#unconfirmed?.count ?? 0
    pending.isReturned = false
    pending.channel = channel
    corkForTurn(this.#client.socket)
    channel.basicPublish(exchange, routingKey, body, properties, true).then(
      () => this.#confirmed(pending, channel),
      (cause: unknown) => this.#failed(pending, channel, cause),
    )
    const wasSent = (this.#unconfirmed?.count ?? 0) > before
    pending.entry = wasSent ? this.#unconfirmed?.last() : undefined
  }

  #confirmed(pending: PendingPublish, channel: AMQPChannel): void {
    if (pending.channel !== channel || !this.#settle(pending)) return
    const { outgoing, isReturned } = pending
    this.#limits.accepted(outgoing)
    // RabbitMQ confirms an unroutable message at once, even while the queues hang.
    if (!isReturned || pending === this.#probe) this.#watch.answered()
    if (isReturned) pending.reject(unroutable(outgoing.routingKey))
    else pending.resolve()
  }

  #failed(pending: PendingPublish, channel: AMQPChannel, cause: unknown): void {
    // RabbitMQ closed the channel: this publish is sent again, or was refused.
    if (pending.channel !== channel || (channel.closed && !channel.connection.closed)) return
    const fault = faultOf(cause)
    if (fault.kind === "nacked") this.#watch.answered()
    const isLost = channel.connection.closed
    this.#refuse(pending, errorOf(isLost ? { kind: "connection-lost", text: fault.text } : fault))
  }

  #refuse(pending: PendingPublish, error: PublishError): void {
    if (this.#settle(pending)) pending.reject(error)
  }

  #settle(pending: PendingPublish): boolean {
    if (!this.#inFlight.remove(pending)) return false
    if (this.#alone?.pending === pending) this.#alone.end(null)
    return true
  }

  /** Gives up publishes that have timed out. Returns the number left. */
  #expire(): number {
    const { confirmTimeoutMs, isExplained = never, onSlow } = this.#options
    const now = performance.now()
    let isExplainedLost = false
    for (const pending of this.#inFlight) {
      const isHopeless = isExplained(pending.outgoing)
      if (pending.givenUpAt > now && !isHopeless) continue
      isExplainedLost ||= isHopeless
      this.#giveUp(pending)
    }
    const [oldest] = this.#inFlight
    if (oldest !== undefined && oldest.givenUpAt - confirmTimeoutMs + SLOW_AFTER_MS < now)
      onSlow?.(oldest.outgoing)
    if (this.#lastLost !== null && isExplained(this.#lastLost)) this.#watch.answered()
    // RabbitMQ stops reading a channel with some dozens of publishes to a queue that does not answer.
    if (isExplainedLost) this.renew()
    if (this.#channel !== null && !this.#isRecovering) this.#renewIfLost(this.#channel)
    if (!this.#watch.isStalled) this.#lastLost = null
    return this.#inFlight.size
  }

  #giveUp(pending: PendingPublish): void {
    const { channel, entry, outgoing } = pending
    this.#lost++
    this.#lastLost = outgoing
    giveUp(entry, () => {
      if (channel !== this.#channel) return
      this.#lost--
      this.#watch.answered()
    })
    this.#refuse(pending, unconfirmed(this.#options.confirmTimeoutMs))
  }

  /**
   * A channel may lose confirms as long as it lives, and without traffic nothing shows that RabbitMQ answers
   * again. Republishes what is in flight on a new channel; if nothing is, an event whose outcome is unknown.
   */
  #renewIfLost(channel: AMQPChannel): void {
    const isOld = performance.now() - this.#renewedAt >= this.#options.confirmTimeoutMs
    const isDue = this.#lastLost !== null && isOld
    if (this.#watch.isStalled ? isDue : this.#lost > MAX_LOST) this.#renew(channel)
  }

  #renew(channel: AMQPChannel): void {
    this.#renewedAt = performance.now()
    this.#channel = null
    channel.onerror = () => {}
    channel.close().catch(() => {})
    if (this.#inFlight.size === 0 && this.#lastLost !== null) {
      this.#probe = this.#begin(this.#lastLost, ignore, ignore)
    }
    void this.#reopen(null)
  }

  /** The library calls this synchronously, for errors of the channel and of its connection. */
  #closed(channel: AMQPChannel, reason: string): void {
    if (channel !== this.#channel || this.#isOver) return
    this.#channel = null
    const fault = faultOf(reason)
    if (fault.kind !== "channel-closed") {
      this.#end(errorOf(fault))
      return
    }
    this.#watch.answered()
    if (this.#alone !== null) this.#alone.end(fault)
    else if (this.#isRecovering) this.#lose(faultError(fault))
    else void this.#reopen(fault)
  }

  /** Reopens the channel and republishes what is in flight, except the publish that it was closed for. */
  async #reopen(fault: ChannelClosed | null): Promise<void> {
    this.#isRecovering = true
    try {
      const isAttributed = fault === null || this.#attribute(fault)
      if (fault?.code === NOT_FOUND) await this.#restore()
      let channel = await this.#openChannel()
      if (!isAttributed && (await this.#foundCulprit(channel))) channel = await this.#openChannel()
      this.#isRecovering = false
      if (this.#isOver) return
      for (const pending of this.#inFlight) if (!channel.closed) this.#send(pending, channel)
    } catch (error) {
      this.#lose(error)
    }
  }

  /** Refuses the publishes that RabbitMQ's reply names. Returns false if it names none of those in flight. */
  #attribute(fault: ChannelClosed): boolean {
    this.#limits.learn(fault)
    // A missing exchange is declared again first.
    const isRestorable = fault.code === NOT_FOUND && this.#options.restore !== undefined
    if (isRestorable && performance.now() - this.#restoredAt > RESTORED_FOR_MS) return true
    const culprits = culpritsOf(fault, this.#inFlight)
    for (const culprit of culprits) this.#refuse(culprit, errorOfCulprit(fault, culprit.outgoing))
    return culprits.length > 0
  }

  async #restore(): Promise<void> {
    const { restore, confirmTimeoutMs } = this.#options
    if (restore === undefined) return
    const tooLate = new Error(`nothing was declared within ${confirmTimeoutMs} ms`)
    await withTimeout(restore(), confirmTimeoutMs, tooLate)
    this.#restoredAt = performance.now()
  }

  /**
   * Republishes what was in flight one at a time, until RabbitMQ closes the channel; that publish is refused.
   */
  async #foundCulprit(channel: AMQPChannel): Promise<boolean> {
    for (const pending of [...this.#inFlight]) {
      if (!this.#inFlight.has(pending)) continue
      const { promise, resolve } = Promise.withResolvers<ChannelClosed | null>()
      this.#alone = { pending, end: resolve }
      this.#send(pending, channel)
      const fault = await promise
      this.#alone = null
      if (fault === null) continue
      this.#limits.learnCulprit(fault, pending.outgoing)
      this.#refuse(pending, errorOfCulprit(fault, pending.outgoing))
      return true
    }
    return false
  }

  /** Resolves with the channel for further publishes. */
  async #openChannel(): Promise<AMQPChannel> {
    const opening = (async () => {
      const channel = await this.#client.channel()
      await channel.confirmSelect()
      return channel
    })()
    const timeoutMs = this.#options.confirmTimeoutMs
    const channel = await withTimeout(
      opening,
      timeoutMs,
      new Error(`no channel opened within ${timeoutMs} ms`),
    )
    letGoOfBuffers(channel)
    channel.onReturn = (message) => this.#inFlight.takeReturn(message)
    channel.onerror = (reason) => this.#closed(channel, reason)
    this.#unconfirmed = new Unconfirmed(channel)
    this.#lost = 0
    this.#channel = channel
    return channel
  }

  /** No channel can be opened, so the connection has to be made again. */
  #lose(error: unknown): void {
    if (this.#isOver) return
    this.#end(errorOf({ kind: "connection-lost", text: faultOf(error).text }))
    if (!this.#client.closed) this.#options.onLost()
  }

  #end(error: PublishError): void {
    this.#isOver = true
    this.abandon(error)
  }
}

const never = (): boolean => false

/** For a publish whose outcome nobody needs. */
const ignore = (): void => {}
