import type { Event } from "../../../event/envelope.ts"
import type { Origin } from "../../../event/origin.ts"
import type { QueueDeclaration } from "../../engine.ts"
import { PublishError } from "../../errors.ts"
import type { PublishOptions } from "../../once.ts"
import type { RabbitMqFactLog } from "../history/rabbitmq-fact-log.ts"
import type { Repairs } from "../topology/repairs.ts"
import type { UnusableQueues } from "../topology/unusable-queues.ts"
import { propertiesOf } from "../wire/encode.ts"
import type { FullQueueRefusals } from "./full-queue-refusals.ts"
import type { Outgoing } from "./pending-publish.ts"
import type { PublishChannel } from "./publish-channel.ts"

export interface EventPublisherOptions {
  readonly exchange: string
  /** @throws {PublishError} while nothing can be published. */
  readonly channel: () => PublishChannel
  /** Returns the queues that an event is routed to: this instance's own, and others'. */
  readonly route: (routingKey: string) => Routed
  /** Returns the names of those queues. */
  readonly queuesOf: (routingKey: string) => readonly string[]
  readonly repairs: Pick<Repairs, "publishReturned">
  readonly unusable: Pick<UnusableQueues, "check" | "hasAny">
  readonly refusals: FullQueueRefusals
  /** Null without a history. */
  readonly facts: RabbitMqFactLog | null
}

interface Routed {
  readonly own: readonly QueueDeclaration[]
  readonly others: readonly QueueDeclaration[]
}

const ENCODER = new TextEncoder()

/** Publishes events to their queues, and records them. */
export class EventPublisher {
  readonly #options: EventPublisherOptions

  constructor(options: EventPublisherOptions) {
    this.#options = options
  }

  /**
   * Resolves when the event is stored on its queues, and its fact outlives this process, unless that takes too long.
   * @throws {PublishError}
   */
  async publish(event: Event, options: PublishOptions): Promise<void> {
    const { facts, channel, unusable, queuesOf } = this.#options
    // Nothing is recorded of an event that can't be sent.
    channel()
    unusable.check(() => queuesOf(event.routing_key))
    const body = ENCODER.encode(JSON.stringify(event))
    // Its message goes out at the end of this turn, behind the events of the turn.
    const recorded = facts?.published(body, queuesOf(event.routing_key), options)
    const stored = this.#store(event, body, options)
    try {
      await stored
    } catch (error) {
      if (error instanceof PublishError && error.outcome === "not-stored") facts?.refused(event.id)
      else facts?.unconfirmed(event.id)
      throw error
    }
    await recorded?.kept()
  }

  /** Returns whether a queue that can't be used explains why RabbitMQ does not confirm a publish. */
  isExplained(outgoing: Outgoing): boolean {
    return this.#options.unusable.hasAny(this.goalsOf(outgoing))
  }

  /** Returns the queues that a publish goes to, as far as they are known. */
  goalsOf({ exchange, routingKey }: Pick<Outgoing, "exchange" | "routingKey">): readonly string[] {
    return exchange === "" ? [routingKey] : this.#options.queuesOf(routingKey)
  }

  async #store(event: Event, body: Uint8Array, origin: Partial<Origin>): Promise<void> {
    const { exchange, channel, route, repairs, refusals } = this.#options
    const routingKey = event.routing_key
    const properties = propertiesOf(event, origin)
    const send = (): Promise<void> => channel().publish({ exchange, routingKey, body, properties })
    try {
      await send()
      refusals.confirmed()
    } catch (error) {
      if (!(error instanceof PublishError)) throw error
      const { own, others } = route(routingKey)
      if (error.code === "unroutable") return repairs.publishReturned(own, error, send)
      throw error.code === "queue-full" ? await refusals.explain([...own, ...others], error) : error
    }
  }
}
