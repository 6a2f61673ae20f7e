import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { PublishError } from "../errors.ts"
import type { Report } from "../report.ts"
import { PublishChannel } from "./publish-channel.ts"
import type { Troubles } from "./troubles.ts"

export interface PublishersOptions {
  readonly confirmTimeoutMs: number
  /** Declares the exchange of the events again, with what is bound to it. */
  readonly restore: () => Promise<void>
  /** Called if a channel can't be opened again on the connection. */
  readonly onLost: () => void
  /** Called when RabbitMQ stops or begins to confirm events. */
  readonly onStatusChange: () => void
  readonly troubles: Troubles
  readonly report: Report
}

/** How often `drained` looks whether everything is confirmed, in milliseconds. */
const DRAIN_INTERVAL_MS = 10

/** What publishes on one connection. A message that RabbitMQ refuses disturbs those on its own channel alone. */
export class Publishers {
  readonly client: AMQPClient
  /** For events that are published or redriven. */
  readonly events: PublishChannel
  /** For retries and dead letters. */
  readonly copies: PublishChannel

  static async open(client: AMQPClient, options: PublishersOptions): Promise<Publishers> {
    const { confirmTimeoutMs, onLost, report } = options
    const events = await PublishChannel.open(client, options)
    // Whoever stores a copy declares what is missing for it, and tells of what is refused.
    const copies = await PublishChannel.open(client, { confirmTimeoutMs, onLost, report })
    return new Publishers(client, events, copies)
  }

  private constructor(client: AMQPClient, events: PublishChannel, copies: PublishChannel) {
    this.client = client
    this.events = events
    this.copies = copies
  }

  /** Rejects all publishes that wait: nothing more will be known of them. */
  abandon(error: PublishError): void {
    this.events.abandon(error)
    this.copies.abandon(error)
  }

  /** Resolves once no publish waits for its confirm. */
  async drained(): Promise<void> {
    while (this.events.inFlight + this.copies.inFlight > 0) await Bun.sleep(DRAIN_INTERVAL_MS)
  }
}
