import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import { withTimeout } from "../../../system/with-timeout.ts"
import type { QueueDeclaration } from "../../engine.ts"
import type { QueueType } from "../connection/capabilities.ts"
import {
  type BrokerFault,
  type ChannelClosed,
  faultError,
  faultOf,
  NOT_FOUND,
  PRECONDITION_FAILED,
  replyIn,
} from "../wire/broker-fault.ts"
import {
  DEAD_LETTERS,
  durably,
  keepUntilStored,
  type QueueArguments,
  queueArguments,
} from "./queue-arguments.ts"
import { exchangeRefused, isRefusal, MISSING, queueRefused } from "./refusals.ts"

/**
 * How long a declared tier is used without another look, in milliseconds. Another program can replace a tier by a
 * queue of the same name, which takes retries and never gives them back.
 */
const TIER_LASTS_MS = 1_000

/** How long a look at a tier may take, in milliseconds. RabbitMQ may not answer while the tier's leader is busy. */
const TIER_LOOK_TIMEOUT_MS = 3_000

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

  get #isPassive(): boolean {
    return this.#options.mode === "passive"
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
   * Declares the exchanges and queues, then binds the queues, and last removes bindings of earlier declarations. Uses a
   * channel of its own, because the broker closes it at the first error.
   * @throws {QueueRefusedError} if a queue exists with other arguments, or is missing in passive mode.
   * @throws {EngineStartError} the same of an exchange.
   * @throws an error that `faultOf` reads, for everything else.
   */
  async declare(
    client: AMQPClient,
    queues: readonly QueueDeclaration[],
    before: Pick<ReadonlyMap<string, QueueDeclaration>, "get"> = new Map(),
  ): Promise<void> {
    this.#tiers.clear()
    const channel = await client.channel()
    await this.#declareExchange(channel, this.#options.exchange, this.#options.exchangeType)
    await this.#declareExchange(channel, DEAD_LETTERS, "direct")
    for (const queue of queues) await this.#declareQueue(channel, queue)
    if (!this.#isPassive) {
      for (const queue of queues) await this.#bind(channel, queue)
      for (const queue of queues) await this.#unbind(channel, queue, before.get(queue.name)?.bindings ?? [])
    }
    await channel.close()
  }

  /** Removes bindings of a queue. A queue that does not exist has none. */
  async unbind(client: AMQPClient, queue: string, patterns: readonly string[]): Promise<void> {
    const channel = await client.channel()
    for (const pattern of patterns) await channel.queueUnbind(queue, this.#options.exchange, pattern)
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
    await this.#declare(channel, name, queue, {
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

  async #declareExchange(channel: AMQPChannel, exchange: string, type: string): Promise<void> {
    const passive = this.#isPassive
    await this.#attempt(
      () => channel.exchangeDeclare(exchange, type, { passive, durable: true, autoDelete: false }),
      (fault) => exchangeRefused(exchange, fault, passive),
    )
  }

  async #declareQueue(channel: AMQPChannel, queue: QueueDeclaration): Promise<void> {
    const { queueType } = this.#options
    await this.#declare(channel, deadQueueOf(queue.name), queue.name, durably(queueType))
    await this.#declare(channel, queue.name, queue.name, queueArguments(queue, queueType))
  }

  async #bind(channel: AMQPChannel, { name, bindings }: QueueDeclaration): Promise<void> {
    const dead = deadQueueOf(name)
    const links = [
      [dead, DEAD_LETTERS, name] as const,
      ...bindings.map((pattern) => [name, this.#options.exchange, pattern] as const),
    ]
    for (const [queue, exchange, pattern] of links) {
      await this.#attempt(
        () => channel.queueBind(queue, exchange, pattern),
        (fault) => queueRefused(queue, name, fault, false),
      )
    }
  }

  async #unbind(channel: AMQPChannel, queue: QueueDeclaration, before: readonly string[]): Promise<void> {
    for (const pattern of before) {
      if (!queue.bindings.includes(pattern)) {
        await channel.queueUnbind(queue.name, this.#options.exchange, pattern)
      }
    }
  }

  /** @param queue the queue of events that it belongs to */
  #declare(channel: AMQPChannel, name: string, queue: string, args: QueueArguments): Promise<void> {
    const passive = this.#isPassive
    return this.#attempt(
      () => channel.queueDeclare(name, { passive, durable: true, autoDelete: false, exclusive: false }, args),
      (fault) => queueRefused(name, queue, fault, passive),
    )
  }

  async #attempt(declare: () => Promise<unknown>, refusal: (fault: ChannelClosed) => Error): Promise<void> {
    try {
      await declare()
    } catch (error) {
      const fault: BrokerFault = faultOf(error)
      throw isRefusal(fault, this.#isPassive) ? refusal(fault) : faultError(fault)
    }
  }
}

/** Resolves if a queue exists, whatever its arguments. */
async function look(client: AMQPClient, queue: string): Promise<void> {
  const channel = await client.channel()
  await channel.queueDeclare(queue, { passive: true })
  await channel.close()
}
