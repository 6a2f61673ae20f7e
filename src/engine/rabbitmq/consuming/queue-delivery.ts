import type { AMQPMessage } from "@cloudamqp/amqp-client"
import type { MalformedEventError } from "../../../event/errors.ts"
import type { DeadLetterFailure, RetryFailure } from "../../../event/failure.ts"
import type { HistoryFact } from "../../../event/history-fact.ts"
import type { Delivery } from "../../engine.ts"
import type { RecordFacts } from "../history/rabbitmq-fact-log.ts"
import { attemptsBefore, bodyOf, failuresBefore, isForeign, lastFailureOf, traceOf } from "../wire/decode.ts"
import { ownOriginOf } from "../wire/origin-headers.ts"
import type { Settlements } from "./settlements.ts"
import type { TriedAttempts } from "./tried-attempts.ts"

/** Destination of a delivery that is not acked. */
export type Destination =
  | { readonly kind: "retry"; readonly delayMs: number; readonly failure: RetryFailure }
  | { readonly kind: "dead-letter"; readonly failure: DeadLetterFailure }

/** `stored`, or `refused` if RabbitMQ accepts no copy and has to dead-letter the original itself. */
export type Republished = "stored" | "refused"

/** Stores the event at the destination. Retries while the delivery can still be settled, then rejects. */
export type Republish = (message: AMQPMessage, queue: string, to: Destination) => Promise<Republished>

export interface DeliveryOptions {
  readonly queue: string
  readonly republish: Republish
  readonly record: RecordFacts
  /** True if the queue counts how often it delivered a message; otherwise it only says that it did before. */
  readonly countsRedeliveries: boolean
  /**
   * Shared by all consumers of the engine, because the queue's next consumer receives what this one released.
   */
  readonly tried: TriedAttempts
  /** How long RabbitMQ leaves a delivery unsettled, in milliseconds. */
  readonly consumerTimeoutMs: number
}

/** The consumer that received a message, on its current channel. */
export interface DeliveryConsumer extends DeliveryOptions {
  readonly settlements: Settlements
  /** Called once, when the delivery is about to be settled. */
  readonly onDecided: () => void
  /** Until it resolves, the broker may deliver a copy that was just stored to the cancelled consumer. */
  readonly cancelled: () => Promise<unknown>
}

/** Makes a delivery of a message that a consumer received. */
export function newDelivery(
  message: AMQPMessage,
  malformed: MalformedEventError | null,
  {
    queue,
    republish,
    record,
    countsRedeliveries,
    tried,
    consumerTimeoutMs,
    settlements,
    onDecided,
    cancelled,
  }: DeliveryConsumer,
): Delivery {
  const before = tried.take(queue, message)
  const attempt = Math.max(attemptsBefore(message, queue, countsRedeliveries), before?.attempts ?? 0) + 1
  let settled: Promise<void> | undefined
  const once = (settle: () => Promise<void>): Promise<void> => {
    if (settled !== undefined) return settled
    settled = settle()
    // Callers may ignore this promise. If it rejects, the event is redelivered.
    settled.catch(() => {})
    onDecided()
    return settled
  }
  // Stored at the destination before it is acked here, so an event is never between two queues.
  const move = async (to: Destination, fact?: HistoryFact): Promise<void> => {
    settlements.decided(message.deliveryTag)
    if (fact !== undefined) await record(fact)
    await cancelled()
    const republished = await republish(message, queue, to)
    if (republished === "stored") await settlements.ack(message.deliveryTag)
    else await settlements.reject(message.deliveryTag)
  }
  const ackAfter = async (fact?: HistoryFact): Promise<void> => {
    settlements.decided(message.deliveryTag)
    if (fact !== undefined) await record(fact)
    await settlements.ack(message.deliveryTag)
  }
  return {
    queue,
    body: bodyOf(message),
    priority: message.properties.priority ?? 0,
    attempt,
    lastFailure: before?.failure ?? lastFailureOf(message, queue),
    failedAttempts: before?.failure.attempts ?? failuresBefore(message, queue),
    trace: traceOf(message),
    ...ownOriginOf(message),
    isForeign: isForeign(message),
    malformed,
    get isLost() {
      return message.channel.closed
    },
    takenBackAt: performance.now() + consumerTimeoutMs,
    ack: (fact) => once(() => ackAfter(fact)),
    retry: (delayMs, failure, fact) => once(() => move({ kind: "retry", delayMs, failure }, fact)),
    deadLetter: (failure, fact) => once(() => move({ kind: "dead-letter", failure }, fact)),
    release: (triedNow) =>
      once(async () => {
        const last = triedNow ?? before
        if (last !== null) tried.remember(queue, message, last)
        await cancelled()
        // The broker delivers it again by itself.
        if (!message.channel.closed) await settlements.release(message.deliveryTag)
      }),
  }
}
