import type { AMQPChannel, AMQPProperties } from "@cloudamqp/amqp-client"
import type { PublishError } from "../../errors.ts"
import { type ChannelClosed, namedDestination, sizeRefusal } from "../wire/broker-fault.ts"

/** A message and its destination. */
export interface Outgoing {
  readonly exchange: string
  readonly routingKey: string
  readonly body: string | Uint8Array
  readonly properties: AMQPProperties
}

/** A publish waiting for its confirm. */
export interface PendingPublish {
  readonly outgoing: Outgoing
  /** When it times out, on the monotonic clock, in milliseconds. */
  readonly givenUpAt: number
  readonly resolve: () => void
  readonly reject: (error: PublishError) => void
  isReturned: boolean
  /** The channel that it was last sent on; null before. Answers on other channels are ignored. */
  channel: AMQPChannel | null
  /** Its entry in the library's list of unconfirmed publishes. */
  entry: unknown
}

/** A UTF-16 code unit takes at most three bytes of UTF-8. */
const MAX_BYTES_PER_CODE_UNIT = 3

/**
 * Returns whether the body is larger than `limit` bytes. Does not measure texts that are certainly shorter.
 */
export function isLargerThan(limit: number, { body }: Outgoing): boolean {
  if (typeof body === "string" && body.length * MAX_BYTES_PER_CODE_UNIT <= limit) return false
  return sizeOf(body) > limit
}

export const sizeOf = (body: string | Uint8Array): number =>
  typeof body === "string" ? Buffer.byteLength(body) : body.byteLength

/**
 * Returns the publishes that RabbitMQ's reply names as the reason of the close; none if it names no reason.
 */
export function culpritsOf(fault: ChannelClosed, inFlight: Iterable<PendingPublish>): PendingPublish[] {
  const size = sizeRefusal(fault)
  if (size !== null) return [...inFlight].filter(({ outgoing }) => isLargerThan(size.limit, outgoing))
  const destination = namedDestination(fault)
  if (destination === null) return []
  const { exchange, routingKey } = destination
  return [...inFlight].filter(
    ({ outgoing }) =>
      outgoing.exchange === exchange && (routingKey === null || outgoing.routingKey === routingKey),
  )
}
