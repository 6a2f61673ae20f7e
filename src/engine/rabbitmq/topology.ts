import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import type { QueueDeclaration } from "../engine.ts"
import { EngineStartError } from "../errors.ts"
import type { QueueType } from "./capabilities.ts"
import {
  ACCESS_REFUSED,
  type BrokerFault,
  faultError,
  faultOf,
  NOT_FOUND,
  PRECONDITION_FAILED,
  RESOURCE_LOCKED,
} from "./wire/broker-fault.ts"

/** Where the broker and this service send what will not be retried; its routing keys are the queues' names. */
export const DEAD_LETTERS = "dead_letters"

/** Priorities of classic queues, 0 to 9: those of the envelope. */
const MAX_PRIORITY = 9

/**
 * The broker is never to drop by itself what was returned often: how often is decided above the port. With -1,
 * RabbitMQ 3.10 would drop at the first return.
 */
const NO_DELIVERY_LIMIT = 2_147_483_647

/** No permission, another owner, other arguments. */
const REFUSALS: ReadonlySet<number> = new Set([ACCESS_REFUSED, RESOURCE_LOCKED, PRECONDITION_FAILED])

/** How RabbitMQ says that there is none. Source: rabbit_misc.erl, `not_found`. */
const MISSING = /no (queue|exchange) '/

export interface TopologyOptions {
  readonly exchange: string
  readonly exchangeType: string
  readonly queueType: QueueType
  /** `declare` makes what is missing; `passive` uses what is there, and makes nothing. */
  readonly mode: "declare" | "passive"
}

/** The queue of a queue's dead letters. */
export const deadQueueOf = (queue: string): string => `dead.${queue}`

/** An exchange without bindings: that it is there says that the queue has events with ordering keys. */
export const orderedMarkOf = (queue: string): string => `ordered.${queue}`

/** The queue in which the retries of a queue wait that have this delay. */
export const tierName = (queue: string, delayMs: number): string => `retry.${queue}.${delayMs}`

/** Declares on the broker what this service needs of it. */
export class Topology {
  readonly #options: TopologyOptions
  readonly #tiers = new Set<string>()
  readonly #declaringTiers = new Map<string, Promise<void>>()
  readonly #ordered = new Set<string>()

  constructor(options: TopologyOptions) {
    this.#options = options
  }

  get mode(): TopologyOptions["mode"] {
    return this.#options.mode
  }

  get exchange(): string {
    return this.#options.exchange
  }

  get exchangeType(): string {
    return this.#options.exchangeType
  }

  /**
   * Declares the exchanges and the queues, and unbinds what the declarations before had bound, on a channel of its
   * own: the broker closes it at the first fault.
   * @throws {EngineStartError} if the broker has one with other arguments, or lacks one in passive mode.
   * @throws an error that `faultOf` reads, for everything else.
   */
  async declare(
    client: AMQPClient,
    queues: readonly QueueDeclaration[],
    before: Pick<ReadonlyMap<string, QueueDeclaration>, "get"> = new Map(),
  ): Promise<void> {
    this.#tiers.clear()
    const channel = await client.channel()
    const { exchange, exchangeType } = this.#options
    const passive = this.#options.mode === "passive"
    await this.#attempt(`the exchange ${exchange}`, () =>
      channel.exchangeDeclare(exchange, exchangeType, { passive, durable: true, autoDelete: false }),
    )
    await this.#attempt(`the exchange ${DEAD_LETTERS}`, () =>
      channel.exchangeDeclare(DEAD_LETTERS, "direct", { passive, durable: true, autoDelete: false }),
    )
    for (const queue of queues) {
      await this.#declareQueue(channel, queue)
      if (!passive) await this.#unbind(channel, queue, before.get(queue.name)?.bindings ?? [])
    }
    await channel.close()
  }

  /**
   * Declares a delay tier, once for each connection; `again` also declares one that was declared before and is gone.
   * Callers of the same moment share one declaration.
   * @throws {EngineStartError} with RabbitMQ's words.
   */
  declareTier(client: AMQPClient, queue: string, delayMs: number, { again = false } = {}): Promise<void> {
    const name = tierName(queue, delayMs)
    const declaring = this.#declaringTiers.get(name)
    if (declaring !== undefined) return declaring
    if (this.#tiers.has(name) && !again) return Promise.resolve()
    this.#tiers.delete(name)
    const begun = this.#declareTier(client, queue, delayMs).finally(() => this.#declaringTiers.delete(name))
    this.#declaringTiers.set(name, begun)
    return begun
  }

  /**
   * A tier is a quorum queue for every `QUEUE_TYPE`: a classic queue drops what it dead-letters to a queue that is full or
   * missing. Each queue has tiers of its own, so that no queue keeps the retries of another one waiting
   * (docs/decisions/0007-tiers-are-quorum-queues.md).
   */
  async #declareTier(client: AMQPClient, queue: string, delayMs: number): Promise<void> {
    const name = tierName(queue, delayMs)
    const channel = await client.channel()
    await this.#declare(channel, name, {
      ...durably("quorum"),
      ...keepUntilStored("quorum"),
      "x-message-ttl": delayMs,
      "x-overflow": "reject-publish",
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": queue,
    })
    await channel.close()
    this.#tiers.add(name)
  }

  /** Marks a queue for all instances; where that is not allowed, for this one. */
  async markOrdered(client: AMQPClient, queue: string): Promise<void> {
    this.#ordered.add(queue)
    if (this.#options.mode === "passive") return
    const channel = await client.channel()
    await channel.exchangeDeclare(orderedMarkOf(queue), "fanout", { durable: true, autoDelete: false })
    await channel.close()
  }

  async isOrdered(client: AMQPClient, queue: string): Promise<boolean> {
    if (this.#ordered.has(queue)) return true
    const channel = await client.channel()
    try {
      await channel.exchangeDeclare(orderedMarkOf(queue), "fanout", { passive: true })
      this.#ordered.add(queue)
      await channel.close()
      return true
    } catch {
      // Not there: the broker has closed the channel.
      return false
    }
  }

  async #declareQueue(channel: AMQPChannel, queue: QueueDeclaration): Promise<void> {
    const { name, bindings, ttlMs, maxLength, overflow, isSingleActiveConsumer } = queue
    const isClassic = this.#options.queueType === "classic"
    const dead = deadQueueOf(name)
    await this.#declare(channel, dead, durably(this.#options.queueType))
    await this.#declare(channel, name, {
      ...durably(this.#options.queueType),
      ...(isClassic && { "x-max-priority": MAX_PRIORITY }),
      "x-message-ttl": ttlMs,
      "x-max-length": maxLength,
      "x-overflow": overflow,
      ...(isSingleActiveConsumer && { "x-single-active-consumer": true }),
      "x-dead-letter-exchange": DEAD_LETTERS,
      "x-dead-letter-routing-key": name,
      ...(overflow === "reject-publish" && keepUntilStored(this.#options.queueType)),
    })
    if (this.#options.mode === "passive") return
    await this.#attempt(`the queue ${dead}`, () => channel.queueBind(dead, DEAD_LETTERS, name))
    for (const pattern of bindings) {
      await this.#attempt(`the queue ${name}`, () => channel.queueBind(name, this.#options.exchange, pattern))
    }
  }

  async #unbind(channel: AMQPChannel, queue: QueueDeclaration, before: readonly string[]): Promise<void> {
    for (const pattern of before) {
      if (!queue.bindings.includes(pattern)) {
        await channel.queueUnbind(queue.name, this.#options.exchange, pattern)
      }
    }
  }

  #declare(
    channel: AMQPChannel,
    name: string,
    args: Record<string, string | number | boolean>,
  ): Promise<void> {
    const passive = this.#options.mode === "passive"
    return this.#attempt(`the queue ${name}`, () =>
      channel.queueDeclare(name, { passive, durable: true, autoDelete: false, exclusive: false }, args),
    )
  }

  async #attempt(what: string, declare: () => Promise<unknown>): Promise<void> {
    const passive = this.#options.mode === "passive"
    try {
      await declare()
    } catch (error) {
      const fault = faultOf(error)
      const cause = faultError(fault)
      if (!isRefusal(fault, passive)) throw cause
      const advice = passive
        ? "declare it, or unset TOPOLOGY"
        : "delete it once it is empty, set this service to what it has, or use it as it is with TOPOLOGY=passive"
      throw new EngineStartError(`${what} can't be used: ${cause.message}: ${advice}`, { cause })
    }
  }
}

/**
 * Whether RabbitMQ refuses a declaration until somebody changes something. It also closes a channel with 404 when a
 * queue's leader does not answer, and a connection for an error of its own: both pass.
 */
function isRefusal(fault: BrokerFault, passive: boolean): boolean {
  if (fault.kind !== "channel-closed") return false
  return REFUSALS.has(fault.code) || (passive && fault.code === NOT_FOUND && MISSING.test(fault.text))
}

/** What every queue has. */
const durably = (queueType: QueueType): Record<string, string | number> =>
  queueType === "classic"
    ? { "x-queue-type": "classic" }
    : { "x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT }

/** A quorum queue keeps what it dead-letters until the other queue has confirmed it. */
const keepUntilStored = (queueType: QueueType): Record<string, string> =>
  queueType === "classic" ? {} : { "x-dead-letter-strategy": "at-least-once" }
