import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { BoundedMap } from "../../../event/bounded-map.ts"
import type { Origin } from "../wire/complete-foreign.ts"
import { topicOf } from "../wire/decode.ts"

/** Messages that are remembered: more than are unsettled at a time. */
const MAX_REMEMBERED = 50_000

/**
 * How long another message of the same content counts as the same, in milliseconds: its copies on other queues and for
 * the live stream come within that. A later one was published again.
 */
const SAME_MS = 10_000

/**
 * Remembers when this process first saw messages that do not say when they were published, so that all their copies and
 * redeliveries get the same time.
 */
export class FirstSights {
  readonly #byFingerprint = new BoundedMap<number>(MAX_REMEMBERED)

  /** Returns the origin of a message that was just delivered. */
  readonly originOf = (message: AMQPMessage): Origin => ({
    topic: topicOf(message),
    timestampMs: (fingerprint) => this.#timeOf(fingerprint, message.redelivered),
  })

  /** In milliseconds since the epoch. */
  #timeOf(fingerprint: string, isRedelivered: boolean): number {
    const now = Date.now()
    const seen = this.#byFingerprint.get(fingerprint)
    if (seen !== undefined && (isRedelivered || now - seen < SAME_MS)) return seen
    this.#byFingerprint.set(fingerprint, now)
    return now
  }
}
