import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { HistoryFact } from "../../../event/history-fact.ts"
import { withTimeout } from "../../../system/with-timeout.ts"
import type { ConsumeOptions, Subscription } from "../../engine.ts"
import type {
  AdapterConsume,
  AdapterConsumeOptions,
  AdapterSubscription,
} from "../../key-order/adapter-consumer.ts"
import { consumeWith } from "../../key-order/ordered-consumer.ts"
import type { Report } from "../../report.ts"
import { forgetsConsumers } from "../connection/capabilities.ts"
import type { ServerProperties } from "../connection/server-properties.ts"
import type { RecordFacts } from "../history/rabbitmq-fact-log.ts"
import type { OwnQueues } from "../queues/own-queues.ts"
import type { UnsettledCount } from "../queues/queue-looks.ts"
import type { Topology } from "../topology/topology.ts"
import type { UnusableQueues } from "../topology/unusable-queues.ts"
import type { FirstSights } from "./first-sights.ts"
import { QueueConsumer } from "./queue-consumer.ts"
import type { Republish } from "./queue-delivery.ts"
import { SeparateConnections, type SeparateConnectionsOptions } from "./separate-connections.ts"
import { TriedAttempts } from "./tried-attempts.ts"
import { UnsettledDeliveries } from "./unsettled-deliveries.ts"

export interface QueueConsumersOptions extends SeparateConnectionsOptions {
  readonly own: OwnQueues
  readonly topology: Topology
  readonly republish: Republish
  readonly record: RecordFacts
  /** True if the ack of a delivery waits for its fact. */
  readonly recordsFacts: boolean
  /** Declares a queue, because deleting it also deletes its consumers. */
  readonly redeclare: (queue: string) => Promise<void>
  readonly sights: FirstSights
  readonly unusable: UnusableQueues
  /** The connection that consumes; null while there is none. */
  readonly session: () => AMQPClient | null
  /** @throws {EngineUnavailableError} while there is no connection. */
  readonly client: () => AMQPClient
  readonly server: () => ServerProperties | null
  /** How long an idle consumer runs before it is replaced, in milliseconds: see `forgetsConsumers`. Default: 15,000. */
  readonly renewIdleMs?: number
  /** How long RabbitMQ leaves a delivery unsettled, in milliseconds. */
  readonly consumerTimeoutMs: number
  readonly report: Report
}

/** How long an idle consumer runs before it is replaced, in milliseconds. */
const RENEW_IDLE_MS = 15_000

/** How long a connection waits for the start of its consumers, in milliseconds. */
const START_PATIENCE_MS = 5_000

/**
 * The consumers of an engine. Each runs on the connection that `start` was given last, but the consumer of a queue that
 * RabbitMQ can't use has a connection of its own, because RabbitMQ ends it.
 */
export class QueueConsumers {
  readonly #options: QueueConsumersOptions
  readonly #consumers = new Set<QueueConsumer>()
  readonly #tried = new TriedAttempts()
  readonly #keyed = new Set<string>()
  readonly #unsettled = new UnsettledDeliveries()
  readonly #separate: SeparateConnections

  constructor(options: QueueConsumersOptions) {
    this.#options = options
    this.#separate = new SeparateConnections(options)
  }

  /** Adds a consumer, with the order that it asks for. */
  consume(queue: string, consume: ConsumeOptions): Subscription {
    const adapter: AdapterConsume = (options) => this.#add(queue, options)
    // RabbitMQ applies a new prefetch only to new consumers.
    const { consumerTimeoutMs: maxUnsettledMs, record } = this.#options
    const facts = { append: async (fact: HistoryFact) => void (await record(fact)) }
    return consumeWith({ consume, adapter, canWiden: false, maxUnsettledMs, facts })
  }

  /** Adds a consumer. Without a connection, it starts on the next one. */
  #add(queue: string, options: AdapterConsumeOptions): AdapterSubscription {
    const { own, topology, server, unusable, renewIdleMs = RENEW_IDLE_MS } = this.#options
    const consumer = new QueueConsumer(
      {
        ...this.#options,
        queue,
        consume: options,
        redeclare: () => this.#options.redeclare(queue),
        // A single active consumer is used for order, and restarting it would pass the queue to another
        // consumer.
        isOrdered: async () =>
          own.isSingle(queue) || (await topology.isOrdered(this.#options.client(), queue)),
        isSingle: () => own.isSingle(queue),
        markOrdered: () => topology.markOrdered(this.#options.client(), queue),
        isForgetful: () => forgetsConsumers(topology.queueType, server()),
        renewIdleMs,
        countsRedeliveries: topology.queueType === "quorum",
        keyed: this.#keyed,
        tried: this.#tried,
        unsettled: this.#unsettled,
        onUnusable: (reason) => this.#suspect(consumer, reason),
        // Alone on its connection, it is the one.
        onConnectionEnded: (reason) => this.#suspect(consumer, this.#separate.has(consumer) ? reason : null),
        onUsable: () => unusable.remove(queue),
        onForgotten: () => {
          unusable.add(queue, "RabbitMQ has lost its consumers")
          this.#separate.restart(consumer)
        },
      },
      () => {
        this.#consumers.delete(consumer)
        unusable.forget(queue)
      },
      () => void this.#separate.close(consumer),
    )
    this.#consumers.add(consumer)
    const client = this.#options.session()
    if (client !== null) void consumer.start(client)
    return consumer
  }

  /** Looks whether RabbitMQ still has the consumers of these queues. */
  check(queues: readonly string[]): void {
    for (const consumer of this.#consumers) if (queues.includes(consumer.queue)) void consumer.check()
  }

  /** @param reason why its queue can't be used; null if that is not certain */
  #suspect(consumer: QueueConsumer, reason: string | null): void {
    if (!this.#consumers.has(consumer)) return
    if (reason !== null) this.#options.unusable.add(consumer.queue, reason)
    this.#separate.move(consumer)
  }

  /** Returns how many events of a queue this process has. */
  unsettledOf(queue: string): UnsettledCount {
    return this.#unsettled.of(queue)
  }

  /**
   * Starts every consumer on a connection. Resolves once each has started or has failed to, or when that takes long: one
   * queue must not keep the connection from the others.
   */
  async start(client: AMQPClient): Promise<void> {
    const shared = [...this.#consumers].filter((consumer) => !this.#separate.has(consumer))
    const started = Promise.all(shared.map((consumer) => consumer.start(client)))
    await withTimeout(started, START_PATIENCE_MS, new Error("not yet")).catch(() => {})
  }

  /** Ends every consumer. What was delivered can still be settled. */
  cancel(): void {
    for (const consumer of this.#consumers) void consumer.cancel()
  }

  /** Closes the connections that single consumers have. Never rejects. */
  close(): Promise<void> {
    return this.#separate.closeAll()
  }
}
