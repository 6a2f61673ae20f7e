import type { AMQPChannel } from "@cloudamqp/amqp-client"
import type { StallWatch } from "./stall-watch.ts"

/**
 * From when on, in milliseconds, a count of 0 is in doubt: RabbitMQ gives the leader of a quorum queue 250 ms to answer,
 * and answers 0 in its place (`rabbit_quorum_queue:stat/1`).
 */
const DOUBTFUL_AFTER_MS = 200

/** How long to wait before asking again, in milliseconds. */
const ASK_INTERVAL_MS = 20

export interface CountOptions {
  /** The caller consumes from the queue: an answer without any consumer is none of the queue. Default false. */
  readonly hasConsumer?: boolean
}

/**
 * Counts the messages that wait in a queue. Asks again as long as a 0 may mean that the queue's leader is too busy to
 * answer.
 * @throws {EngineUnavailableError} once the watch has stalled
 */
export async function messagesIn(
  channel: AMQPChannel,
  queue: string,
  watch: StallWatch,
  { hasConsumer = false }: CountOptions = {},
): Promise<number> {
  while (true) {
    const askedAt = performance.now()
    const { messageCount, consumerCount } = await channel.queueDeclare(queue, { passive: true })
    const isTimely = performance.now() - askedAt < DOUBTFUL_AFTER_MS
    if (messageCount > 0 || (isTimely && (consumerCount > 0 || !hasConsumer))) return messageCount
    await Bun.sleep(ASK_INTERVAL_MS)
    watch.check()
  }
}
