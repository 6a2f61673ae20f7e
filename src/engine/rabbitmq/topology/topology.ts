import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import { withTimeout } from "../../../system/with-timeout.ts"
import type { QueueDeclaration } from "../../engine.ts"
import { EngineStartError } from "../../errors.ts"
import type { QueueType } from "../connection/capabilities.ts"
import {
  type BrokerFault,
  faultError,
  faultOf,
  LASTING_REFUSALS,
  NOT_FOUND,
  PRECONDITION_FAILED,
  replyIn,
} from "../wire/broker-fault.ts"

/** The exchange for events that are not retried any more. Its routing keys are the names of the queues. */
export const DEAD_LETTERS = "dead_letters"

/** Highest priority of classic queues: 0 to 9, as in the envelope. */
const MAX_PRIORITY = 9

/**
 * Keeps the broker from dropping messages that return often, because code above the port decides how often.
 * With -1, RabbitMQ 3.10 would drop them at the first return.
 */
const NO_DELIVERY_LIMIT = 2_147_483_647

/**
 * How long a declared tier is used without another look, in milliseconds. Another program can replace a tier by a
 * queue of the same name, which takes retries and never gives them back.
 */
const TIER_LASTS_MS = 1_000

/** How long a look at a tier may take, in milliseconds. RabbitMQ may not answer while the tier's leader is busy. */
const TIER_LOOK_TIMEOUT_MS = 3_000

/** How RabbitMQ says that there is none. Source: rabbit_misc.erl, `not_found`. */
const MISSING = /no (queue|exchange) '/

export interface TopologyOptions {
  readonly exchange: string
  readonly exchangeType: string
  readonly queueType: QueueType
  /** `declare` creates what is missing; `passive` uses what exists and creates nothing. */
  readonly mode: "declare" | "passive"
}

/** Returns the name of a queue's dead-letter queue. */
export const deadQueueOf = (queue: string): string => `dead.${queue}`

/** Returns the name of an exchange without bindings. Its existence marks a queue with ordering keys. */
export const orderedMarkOf = (queue: string): string => `ordered.${queue}`

/** Returns the name of the queue where a queue's retries with this delay wait. */
export const tierName = (queue: string, delayMs: number): string => `retry.${queue}.${delayMs}`

/** Declares the objects that this service needs on the broker. */
export class Topology {
  readonly #options: TopologyOptions
  /** When each tier was declared or looked at, on the monotonic clock. */
  readonly #tiers = new Map<string, number>()
  readonly #declaringTiers = new Map<string, Promise<boolean>>()
  readonly #ordered = new Set<string>()

  constructor(options: TopologyOptions) {
    this.#options = options
  }

  get mode(): TopologyOptions["mode"] {
    return this.#options.mode
  }

  get queueType(): QueueType {
    return this.#options.queueType
  }

  get exchange(): string {
    return this.#options.exchange
  }

  get exchangeType(): string {
    return this.#options.exchangeType
  }

  /**
   * Declares the exchanges and queues, and removes bindings of earlier declarations. Uses a channel of its
   * own, because the broker closes it at the first error.
   * @throws {EngineStartError} if an object exists with other arguments, or is missing in passive mode.
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
   * Declares a delay tier, once per connection, and looks at it again from time to time; `again` declares one that
   * has vanished. Concurrent callers share one declaration. Resolves with true if the tier had vanished.
   * @throws {EngineStartError} with RabbitMQ's reply text, also if another queue has taken the place of the tier.
   */
  declareTier(client: AMQPClient, queue: string, delayMs: number, { again = false } = {}): Promise<boolean> {
    const name = tierName(queue, delayMs)
    const declaring = this.#declaringTiers.get(name)
    if (declaring !== undefined) return declaring
    const seenAt = again ? undefined : this.#tiers.get(name)
    if (seenAt !== undefined && performance.now() - seenAt < TIER_LASTS_MS) return Promise.resolve(false)
    const declare = (): Promise<void> => this.#declareTier(client, queue, delayMs)
    const begin = async (): Promise<boolean> => {
      if (seenAt !== undefined) return this.#checkTier(client, name, declare)
      await declare()
      return again
    }
    const begun = begin().finally(() => this.#declaringTiers.delete(name))
    this.#declaringTiers.set(name, begun)
    return begun
  }

  /**
   * Looks whether a tier is still there and what it was. An answer that says nothing about that, such as a missing
   * permission or a busy leader, leaves it in use.
   */
  async #checkTier(client: AMQPClient, name: string, declare: () => Promise<void>): Promise<boolean> {
    this.#tiers.set(name, performance.now())
    const compare = async (): Promise<void> => {
      await look(client, name)
      if (this.#options.mode === "declare") await declare()
    }
    try {
      await withTimeout(compare(), TIER_LOOK_TIMEOUT_MS, new Error("RabbitMQ does not answer"))
      return false
    } catch (error) {
      const reply = replyIn(error)
      if (reply?.code === NOT_FOUND && MISSING.test(reply.text)) {
        this.#tiers.delete(name)
        await declare()
        return true
      }
      if (reply?.code !== PRECONDITION_FAILED) return false
      this.#tiers.delete(name)
      throw error
    }
  }

  /**
   * A tier is a quorum queue whatever the `QUEUE_TYPE`, because a classic queue drops messages that it dead-letters
   * to a full or missing queue. Each queue has its own tiers, so that its retries never wait for those of
   * another queue (docs/decisions/0007-tiers-are-quorum-queues.md).
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
    this.#tiers.set(name, performance.now())
  }

  /** Marks a queue for all instances; for this one only if declaring is not allowed. */
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
      // The mark does not exist, so the broker has closed the channel.
      return false
    }
  }

  async #declareQueue(channel: AMQPChannel, queue: QueueDeclaration): Promise<void> {
    const { name, bindings } = queue
    const { queueType } = this.#options
    const dead = deadQueueOf(name)
    await this.#declare(channel, dead, durably(queueType))
    await this.#declare(channel, name, queueArguments(queue, queueType))
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
        : "delete it when it is empty, configure this service to match it, or use it unchanged with TOPOLOGY=passive"
      throw new EngineStartError(`${what} can't be used: ${cause.message}: ${advice}`, { cause })
    }
  }
}

/** Resolves if a queue exists, whatever its arguments. */
async function look(client: AMQPClient, queue: string): Promise<void> {
  const channel = await client.channel()
  await channel.queueDeclare(queue, { passive: true })
  await channel.close()
}

/**
 * Returns true if RabbitMQ refuses a declaration until somebody changes something. RabbitMQ also closes a channel with 404 when
 * a queue's leader does not answer, and a connection for an internal error: both pass.
 */
function isRefusal(fault: BrokerFault, passive: boolean): boolean {
  if (fault.kind !== "channel-closed") return false
  return LASTING_REFUSALS.has(fault.code) || (passive && fault.code === NOT_FOUND && MISSING.test(fault.text))
}

/** The arguments of a queue of events. RabbitMQ keeps them for as long as the queue exists. */
export const queueArguments = (
  { name, ttlMs, maxLength, overflow, isSingleActiveConsumer }: QueueDeclaration,
  queueType: QueueType,
): Record<string, string | number | boolean> => ({
  ...durably(queueType),
  ...(queueType === "classic" && { "x-max-priority": MAX_PRIORITY }),
  "x-message-ttl": ttlMs,
  "x-max-length": maxLength,
  "x-overflow": overflow,
  ...(isSingleActiveConsumer && { "x-single-active-consumer": true }),
  "x-dead-letter-exchange": DEAD_LETTERS,
  "x-dead-letter-routing-key": name,
  ...(overflow === "reject-publish" && keepUntilStored(queueType)),
})

/** Arguments of every queue. */
const durably = (queueType: QueueType): Record<string, string | number> =>
  queueType === "classic"
    ? { "x-queue-type": "classic" }
    : { "x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT }

/** A quorum queue then keeps a message that it dead-letters until the other queue has confirmed it. */
const keepUntilStored = (queueType: QueueType): Record<string, string> =>
  queueType === "classic" ? {} : { "x-dead-letter-strategy": "at-least-once" }
