import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { QueueDeclaration } from "../../engine.ts"
import {
  EngineUnavailableError,
  QueueInUseError,
  QueueNotEmptyError,
  QueuesUnreadError,
  UnknownQueueError,
} from "../../errors.ts"
import type {
  DeletedQueue,
  DeleteQueueOptions,
  PurgedQueue,
  QueueAdministration,
  QueueKnowledge,
  UnboundQueue,
} from "../../queue-administration.ts"
import type { RecordFacts } from "../history/rabbitmq-fact-log.ts"
import { tierDelays } from "../topology/delay-tier.ts"
import { deadQueueOf, orderedMarkOf, type TopologyOptions, tierName } from "../topology/topology.ts"
import type { UnusableQueues } from "../topology/unusable-queues.ts"
import { faultError, faultOf, refusalText } from "../wire/broker-fault.ts"
import { HeldQueues } from "./held-queues.ts"
import { InstanceCount } from "./instance-count.ts"
import type { OwnQueues } from "./own-queues.ts"
import { type Depth, isNotFound, QueueLook } from "./queue-look.ts"
import { QueueRegister, type QueueRegisterOptions } from "./queue-register.ts"
import { UndeclaredQueues } from "./undeclared-queues.ts"

export interface RabbitMqQueueAdministrationOptions
  extends Pick<QueueRegisterOptions, "publishing" | "redeclare" | "report"> {
  readonly topology: TopologyOptions
  /** @throws {EngineUnavailableError} */
  readonly client: () => AMQPClient
  /**
   * The connection for changes, which RabbitMQ ends if a queue does not work.
   * @throws {EngineUnavailableError}
   */
  readonly managing: () => AMQPClient
  /** RabbitMQ would leave a purge of these without an answer for half a minute. */
  readonly unusable: Pick<UnusableQueues, "check">
  readonly own: OwnQueues
  readonly record: RecordFacts
  /** Called after a queue is deleted, purged or unbound. */
  readonly onChanged: () => void
}

/** Inspects, deletes, purges and unbinds queues: this instance's own, and those in the register. */
export class RabbitMqQueueAdministration implements QueueAdministration {
  readonly #options: RabbitMqQueueAdministrationOptions
  readonly register: QueueRegister
  readonly undeclared: UndeclaredQueues
  readonly held: HeldQueues
  readonly instanceCount: InstanceCount

  constructor(options: RabbitMqQueueAdministrationOptions) {
    this.#options = options
    const isAllowed = options.topology.mode === "declare"
    this.register = new QueueRegister({ ...options, isAllowed, onRead: options.onChanged })
    this.held = new HeldQueues({ ...options, isAllowed })
    this.instanceCount = new InstanceCount(isAllowed)
    this.undeclared = new UndeclaredQueues({
      register: this.register,
      queueType: options.topology.queueType,
      onGone: (queue) => this.#tellDeleted(queue),
      report: options.report,
    })
  }

  hold(queues: readonly string[]): void {
    this.held.hold(queues)
  }

  /** Never rejects. */
  stop(): Promise<void> {
    this.instanceCount.stop()
    return this.register.stop()
  }

  instances(): Promise<number | null> {
    return this.instanceCount.count()
  }

  async knowledge(): Promise<QueueKnowledge> {
    this.#options.client()
    return this.register.knowledge()
  }

  /**
   * Finds a queue of this service. One that this instance does not declare is confirmed by RabbitMQ each time.
   * @throws {UnknownQueueError | QueuesUnreadError | EngineUnavailableError}
   */
  async require(queue: string): Promise<QueueDeclaration> {
    const own = this.#options.own.get(queue)
    if (own !== undefined) return own
    if (this.register.get(queue) === undefined && (await this.knowledge()) === "unread") {
      throw new QueuesUnreadError(queue)
    }
    await using look = new QueueLook(this.#options.client())
    try {
      const found = await this.undeclared.find(look, queue)
      if (found !== undefined) return found
    } catch (error) {
      const cause = faultError(faultOf(error))
      throw new EngineUnavailableError(`RabbitMQ can't look up ${queue}: ${refusalText(cause)}`, { cause })
    }
    const names = this.#options.own.values().map(({ name }) => name)
    throw new UnknownQueueError(queue, [...names, ...this.undeclared.names])
  }

  /**
   * Returns the queues that an event is routed to: this instance's own, and others'. Other programs may have
   * bound queues, too.
   */
  route(routingKey: string): { own: readonly QueueDeclaration[]; others: readonly QueueDeclaration[] } {
    return { own: this.#options.own.route(routingKey), others: this.undeclared.route(routingKey) }
  }

  /** Returns the names of those queues. */
  namesOf(routingKey: string): readonly string[] {
    const own = this.#options.own.namesOf(routingKey)
    const others = this.undeclared.namesOf(routingKey)
    return others.length === 0 ? own : [...own, ...others]
  }

  async delete(queue: string, { ifEmpty = false }: DeleteQueueOptions = {}): Promise<DeletedQueue> {
    const { bindings } = await this.require(queue)
    const { topology, own } = this.#options
    return this.#ask(queue, async (look) => {
      // Only a consumer adds retries, and a queue with one is not deleted.
      const retries = ifEmpty ? await retriesOf(look, queue) : 0
      this.#requireDeletable(queue, await look.depth(queue), ifEmpty, retries)
      const channel = await look.channel()
      // Events confirmed from here on are not on this queue, so none is lost between the check and the
      // deletion.
      for (const pattern of bindings) await channel.queueUnbind(queue, topology.exchange, pattern)
      try {
        this.#requireDeletable(queue, await look.depth(queue), ifEmpty, retries)
      } catch (refusal) {
        for (const pattern of bindings) await channel.queueBind(queue, topology.exchange, pattern)
        throw refusal
      }
      // Before RabbitMQ reports the cancelled consumers and the register the deletion, so that neither
      // declares the queue again.
      own.remove(queue)
      const at = Date.now()
      // Quorum queues support neither if-unused nor if-empty
      // (rabbitmq.com/docs/quorum-queues#feature-matrix).
      const { messageCount: events } = await channel.queueDelete(queue)
      const { messageCount: deadLetters } = await channel.queueDelete(deadQueueOf(queue))
      const tiers = [...tierDelays()].map((delayMs) => channel.queueDelete(tierName(queue, delayMs)))
      const retried = (await Promise.all(tiers)).reduce((sum, { messageCount }) => sum + messageCount, 0)
      await channel.exchangeDelete(orderedMarkOf(queue))
      await Promise.all([
        this.#tellDeleted(queue),
        this.#options.record(
          { fact: "purged", at, queue, from: "queue" },
          { fact: "purged", at, queue, from: "dead-letters" },
        ),
      ])
      return { events: events + retried, deadLetters }
    })
  }

  async purge(queue: string): Promise<PurgedQueue> {
    await this.require(queue)
    this.#options.unusable.check(() => [queue])
    return this.#ask(queue, async (look) => {
      // An event that is published later may be stored, and recorded, before this fact.
      const at = Date.now()
      const { messageCount: purged } = await (await look.channel()).queuePurge(queue)
      await this.#options.record({ fact: "purged", at, queue, from: "queue" })
      return { purged }
    })
  }

  async unbind(queue: string): Promise<UnboundQueue> {
    const { bindings } = await this.require(queue)
    const { topology, own } = this.#options
    return this.#ask(queue, async (look) => {
      const channel = await look.channel()
      for (const pattern of bindings) await channel.queueUnbind(queue, topology.exchange, pattern)
      own.unbind(queue)
      await this.register.add({ kind: "unbound", name: queue })
      return { bindings }
    })
  }

  #requireDeletable(queue: string, depth: Depth | null, ifEmpty: boolean, retries: number): void {
    if (depth === null) return
    const { messageCount, consumerCount, deadLetterCount } = depth
    if (consumerCount > 0) throw new QueueInUseError(queue)
    const events = messageCount + retries
    if (ifEmpty && events + (deadLetterCount ?? 0) > 0) {
      throw new QueueNotEmptyError(queue, events, deadLetterCount ?? 0)
    }
  }

  /** Tells all instances that a queue is gone. If that fails, the next look finds it missing, and tells again. */
  async #tellDeleted(name: string): Promise<void> {
    if (this.register.isUsable) await this.register.add({ kind: "deleted", name }).catch(() => {})
  }

  async #ask<Result>(queue: string, work: (look: QueueLook) => Promise<Result>): Promise<Result> {
    await using look = new QueueLook(this.#options.managing())
    try {
      return await work(look)
    } catch (error) {
      if (error instanceof QueueInUseError || error instanceof QueueNotEmptyError) throw error
      if (isNotFound(error)) throw new UnknownQueueError(queue, [])
      const cause = faultError(faultOf(error))
      throw new EngineUnavailableError(`the queue ${queue} can't be changed: ${refusalText(cause)}`, {
        cause,
      })
    } finally {
      this.#options.onChanged()
    }
  }
}

/** Returns how many events of a queue wait for a retry. */
async function retriesOf(look: QueueLook, queue: string): Promise<number> {
  let retries = 0
  for (const delayMs of tierDelays()) retries += await look.count(tierName(queue, delayMs))
  return retries
}
