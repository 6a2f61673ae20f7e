import type { AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import type { FailureRecord } from "../../event/failure.ts"
import { tierOf } from "./delay-tier.ts"
import { deadLetterOf, retryOf } from "./message.ts"
import type { PublishChannel } from "./publish-channel.ts"
import type { Destination } from "./queue-consumer.ts"
import { DEAD_LETTERS, type Topology, tierName } from "./topology.ts"

export interface RepublisherOptions {
  readonly topology: Topology
  /** @throws {PublishError} while nothing can be published. */
  readonly publishing: () => { readonly client: AMQPClient; readonly channel: PublishChannel }
  readonly isClosed: () => boolean
}

/** Waits before a retry or a dead letter is stored again, in milliseconds. */
const REPUBLISH_DELAY_MS = 500

/** Stores deliveries anew: behind a delay for the next attempt on their queue, or as dead letters. */
export class Republisher {
  readonly #options: RepublisherOptions

  constructor(options: RepublisherOptions) {
    this.#options = options
  }

  /** Resolves once it is stored. Goes on trying while the delivery can still be acked, and rejects after that. */
  async republish(
    message: AMQPMessage,
    queue: string,
    to: Destination,
    failure: FailureRecord,
  ): Promise<void> {
    while (true) {
      try {
        await this.#store(message, queue, to, failure)
        return
      } catch (error) {
        // Once its channel is lost, the broker delivers the event again by itself.
        if (message.channel.closed || this.#options.isClosed()) throw error
        await Bun.sleep(REPUBLISH_DELAY_MS)
      }
    }
  }

  async #store(message: AMQPMessage, queue: string, to: Destination, failure: FailureRecord): Promise<void> {
    const { client, channel } = this.#options.publishing()
    if (to.kind === "dead-letter") {
      const copy = deadLetterOf(message, failure)
      return channel.publish({ exchange: DEAD_LETTERS, routingKey: queue, ...copy })
    }
    const copy = retryOf(message, to.attempts, failure)
    const tier = tierOf(to.delayMs)
    if (tier > 0) await this.#options.topology.declareTier(client, tier)
    return channel.publish({ exchange: tier > 0 ? tierName(tier) : "", routingKey: queue, ...copy })
  }
}
