import type { PublishError } from "../../errors.ts"
import type { Report } from "../../report.ts"
import type { Troubles } from "../topology/troubles.ts"
import {
  ACCESS_REFUSED,
  type ChannelClosed,
  type Destination,
  namedDestination,
  sizeRefusal,
} from "../wire/broker-fault.ts"
import { isLargerThan, type Outgoing, sizeOf } from "./pending-publish.ts"
import { refused, tooLarge } from "./publish-refusal.ts"
import { RefusedDestinations } from "./refused-destinations.ts"

/** The limits of RabbitMQ, as learned from its refusals. */
export class BrokerLimits {
  readonly #report: Report
  readonly #troubles: Troubles | null
  readonly #refused = new RefusedDestinations()
  /** RabbitMQ's maximum message size in bytes, once it has refused a message. */
  #maxBytes = Number.POSITIVE_INFINITY

  /** @param troubles records refused destinations; null if the callers of `publish` report them */
  constructor(report: Report, troubles: Troubles | null) {
    this.#report = report
    this.#troubles = troubles
  }

  /** Returns why RabbitMQ would refuse the message; null if it may be sent. */
  refusalOf(outgoing: Outgoing): PublishError | null {
    if (isLargerThan(this.#maxBytes, outgoing)) return tooLarge(sizeOf(outgoing.body), this.#maxBytes)
    if (this.#refused.isEmpty) return null
    const reason = this.#refused.reasonFor(outgoing.exchange, outgoing.routingKey)
    return reason === null ? null : refused(reason)
  }

  /** Records that RabbitMQ accepted a message to this destination. */
  accepted({ exchange, routingKey }: Outgoing): void {
    if (this.#refused.isEmpty) return
    for (const each of this.#refused.accepted(exchange, routingKey)) this.#troubles?.ended(placeOf(each))
  }

  /** Learns from a closed channel, and logs the reason. */
  learn(fault: ChannelClosed): void {
    const reason = fault.text
    const size = sizeRefusal(fault)
    const destination = namedDestination(fault)
    if (size !== null) {
      this.#maxBytes = size.limit
      this.#report("warn", "RabbitMQ refused an event because of its size", { reason })
    } else if (destination === null) {
      this.#report("error", "RabbitMQ closed the channel for publishing", { reason })
    } else if (fault.code === ACCESS_REFUSED) this.#refuse(destination, reason)
    // A missing exchange is declared again, and that is logged.
  }

  /** Records that a channel was closed because of this message. */
  learnCulprit(fault: ChannelClosed, { exchange, routingKey }: Outgoing): void {
    if (fault.code === ACCESS_REFUSED) this.#refuse({ exchange, routingKey }, fault.text)
  }

  #refuse(destination: Destination, reason: string): void {
    this.#refused.add(destination, reason)
    this.#troubles?.began(placeOf(destination), reason, "events published there are refused")
  }
}

/** Names a destination for the log and the health report. */
function placeOf({ exchange, routingKey }: Destination): string {
  const place = exchange === "" ? "the default exchange" : `the exchange ${exchange}`
  return routingKey === null ? place : `the topic ${routingKey} of ${place}`
}
