import type { QueueDeclaration } from "../../engine.ts"
import type { QueueType } from "../connection/capabilities.ts"

/** The exchange for events that are not retried any more. Its routing keys are the names of the queues. */
export const DEAD_LETTERS = "dead_letters"

/** Highest priority of classic queues: 0 to 9, as in the envelope. */
const MAX_PRIORITY = 9

/**
 * Keeps the broker from dropping messages that return often, because code above the port decides how often.
 * With -1, RabbitMQ 3.10 would drop them at the first return.
 */
const NO_DELIVERY_LIMIT = 2_147_483_647

/** Arguments of a queue, as AMQP has them. */
export type QueueArguments = Readonly<Record<string, string | number | boolean>>

/** The arguments of a queue of events. RabbitMQ keeps them for as long as the queue exists. */
export const queueArguments = (
  { name, ttlMs, maxLength, overflow, isSingleActiveConsumer }: QueueDeclaration,
  queueType: QueueType,
): QueueArguments => ({
  ...durably(queueType),
  ...(queueType === "classic" && { "x-max-priority": MAX_PRIORITY }),
  "x-message-ttl": ttlMs,
  "x-max-length": maxLength,
  "x-overflow": overflow,
  ...(isSingleActiveConsumer && { "x-single-active-consumer": true }),
  "x-dead-letter-exchange": DEAD_LETTERS,
  "x-dead-letter-routing-key": name,
  ...(overflow === "reject-publish" && keepUntilStored(queueType)),
})

/** Arguments of every queue. */
export const durably = (queueType: QueueType): Record<string, string | number> =>
  queueType === "classic"
    ? { "x-queue-type": "classic" }
    : { "x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT }

/** A quorum queue then keeps a message that it dead-letters until the other queue has confirmed it. */
export const keepUntilStored = (queueType: QueueType): Record<string, string> =>
  queueType === "classic" ? {} : { "x-dead-letter-strategy": "at-least-once" }
