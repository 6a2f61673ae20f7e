import type { PublishError } from "../errors.ts"
import type { Report } from "../report.ts"
import { isLargerThan, type Outgoing, sizeOf } from "./pending-publish.ts"
import { refused, tooLarge } from "./publish-refusal.ts"
import { RefusedDestinations } from "./refused-destinations.ts"
import type { Troubles } from "./troubles.ts"
import {
  ACCESS_REFUSED,
  type ChannelClosed,
  type Destination,
  namedDestination,
  sizeRefusal,
} from "./wire/broker-fault.ts"

/** What RabbitMQ takes from this service, as far as its refusals have told. */
export class BrokerLimits {
  readonly #report: Report
  readonly #troubles: Troubles | null
  readonly #refused = new RefusedDestinations()
  /** RabbitMQ's maximum message size in bytes, once it has refused a message. */
  #maxBytes = Number.POSITIVE_INFINITY

  /** @param troubles is told of refused destinations; null if the publishers tell of them. */
  constructor(report: Report, troubles: Troubles | null) {
    this.#report = report
    this.#troubles = troubles
  }

  /** Why RabbitMQ would refuse the message; null if it is to be sent. */
  refusalOf(outgoing: Outgoing): PublishError | null {
    if (isLargerThan(this.#maxBytes, outgoing)) return tooLarge(sizeOf(outgoing.body), this.#maxBytes)
    if (this.#refused.isEmpty) return null
    const reason = this.#refused.reasonFor(outgoing.exchange, outgoing.routingKey)
    return reason === null ? null : refused(reason)
  }

  /** RabbitMQ took a message there. */
  accepted({ exchange, routingKey }: Outgoing): void {
    if (this.#refused.isEmpty) return
    for (const each of this.#refused.accepted(exchange, routingKey)) this.#troubles?.ended(placeOf(each))
  }

  /** Learns from the close of a channel, and tells its reason. */
  learn(fault: ChannelClosed): void {
    const reason = fault.text
    const size = sizeRefusal(fault)
    const destination = namedDestination(fault)
    if (size !== null) {
      this.#maxBytes = size.limit
      this.#report("warn", "RabbitMQ refused an event for its size", { reason })
    } else if (destination === null) {
      this.#report("error", "RabbitMQ closed the channel that publishes", { reason })
    } else if (fault.code === ACCESS_REFUSED) this.#refuse(destination, reason)
    // What is missing is declared again, and the log says so.
  }

  /** Learns that a channel was closed for this message. */
  learnCulprit(fault: ChannelClosed, { exchange, routingKey }: Outgoing): void {
    if (fault.code === ACCESS_REFUSED) this.#refuse({ exchange, routingKey }, fault.text)
  }

  #refuse(destination: Destination, reason: string): void {
    this.#refused.add(destination, reason)
    this.#troubles?.began(placeOf(destination), reason, "what is published there is refused")
  }
}

/** A destination, for the log and the health. */
function placeOf({ exchange, routingKey }: Destination): string {
  const place = exchange === "" ? "the default exchange" : `the exchange ${exchange}`
  return routingKey === null ? place : `the topic ${routingKey} of ${place}`
}
