import type { AdapterConsumeOptions } from "../../key-order/adapter-consumer.ts"
import type { Report } from "../../report.ts"
import type { FirstSights } from "./first-sights.ts"
import type { DeliveryOptions } from "./queue-delivery.ts"
import type { UnsettledDeliveries } from "./unsettled-deliveries.ts"

export interface QueueConsumerOptions extends DeliveryOptions {
  readonly consume: AdapterConsumeOptions
  /** True if the ack of a delivery waits for its fact. */
  readonly recordsFacts: boolean
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
  /** Counts its deliveries. */
  readonly unsettled: UnsettledDeliveries
  /** Called when RabbitMQ does not answer the start of a consumer, with words for that: see `UnusableQueues`. */
  readonly onUnusable: (reason: string) => void
  /** Called when RabbitMQ has ended the connection while the consumer started: for its queue, or that of another one. */
  readonly onConnectionEnded: (reason: string) => void
  /** Called when a consumer of the queue has started. */
  readonly onUsable: () => void
  /** Called when RabbitMQ does not have the consumer any more, and has not said so. */
  readonly onForgotten: () => void
  readonly report: Report
}
