import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { PublishError } from "../../errors.ts"
import type { Report } from "../../report.ts"
import type { Troubles } from "../topology/troubles.ts"
import { probeForAlarms } from "./alarm-probe.ts"
import type { Outgoing } from "./pending-publish.ts"
import { PublishChannel } from "./publish-channel.ts"

export interface PublishersOptions {
  readonly confirmTimeoutMs: number
  /** Declares the events' exchange again, with its bindings. */
  readonly restore: () => Promise<void>
  /** Called if a channel can't be reopened on the connection. */
  readonly onLost: () => void
  /** Called when RabbitMQ stops or resumes confirming events. */
  readonly onStatusChange: () => void
  /** Returns whether a queue that can't be used explains why a publish is not confirmed. */
  readonly isExplained: (outgoing: Outgoing) => boolean
  /** Called with the oldest publish, again and again, while RabbitMQ takes long to confirm it. */
  readonly onSlow: (outgoing: Outgoing) => void
  readonly troubles: Troubles
  readonly report: Report
}

/** Interval at which `drained` checks, in milliseconds. */
const DRAIN_INTERVAL_MS = 10

/**
 * The publishing channels of one connection. A message that RabbitMQ refuses affects only others on its own
 * channel.
 */
export class Publishers {
  readonly client: AMQPClient
  /** For published and redriven events. */
  readonly events: PublishChannel
  /** For retries and dead letters. */
  readonly copies: PublishChannel

  static async open(client: AMQPClient, options: PublishersOptions): Promise<Publishers> {
    const { confirmTimeoutMs, onLost, isExplained, report } = options
    const events = await PublishChannel.open(client, options)
    // The republisher declares missing objects and reports refusals itself.
    const copies = await PublishChannel.open(client, { confirmTimeoutMs, onLost, isExplained, report })
    await probeForAlarms(client)
    return new Publishers(client, events, copies)
  }

  private constructor(client: AMQPClient, events: PublishChannel, copies: PublishChannel) {
    this.client = client
    this.events = events
    this.copies = copies
  }

  /** Rejects all waiting publishes, because their outcome will stay unknown. */
  abandon(error: PublishError): void {
    this.events.abandon(error)
    this.copies.abandon(error)
  }

  /** Resolves when no publish is waiting for its confirm. */
  async drained(): Promise<void> {
    while (this.events.inFlight + this.copies.inFlight > 0) await Bun.sleep(DRAIN_INTERVAL_MS)
  }
}
