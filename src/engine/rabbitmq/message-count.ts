import type { AMQPChannel } from "@cloudamqp/amqp-client"
import type { StallWatch } from "./stall-watch.ts"

/**
 * From when on, in milliseconds, a count of 0 is in doubt: RabbitMQ gives the leader of a quorum queue 250 ms to answer,
 * and answers 0 in its place (`rabbit_quorum_queue:stat/1`).
 */
const DOUBTFUL_AFTER_MS = 200

/** How long to wait before asking again, in milliseconds. */
const ASK_INTERVAL_MS = 20

export interface Counts {
  readonly messageCount: number
  readonly consumerCount: number
}

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
  watch: Pick<StallWatch, "check">,
  options: CountOptions = {},
): Promise<number> {
  return (await countsOf(channel, queue, watch, options)).messageCount
}

/**
 * Counts the messages and the consumers of a queue, as `messagesIn` does.
 * @throws {EngineUnavailableError} once the watch has stalled
 */
export async function countsOf(
  channel: AMQPChannel,
  queue: string,
  watch: Pick<StallWatch, "check">,
  { hasConsumer = false }: CountOptions = {},
): Promise<Counts> {
  while (true) {
    const counts = await askForCounts(channel, queue)
    if (counts !== null && (counts.messageCount > 0 || counts.consumerCount > 0 || !hasConsumer))
      return counts
    await Bun.sleep(ASK_INTERVAL_MS)
    watch.check()
  }
}

/** Asks once. Null if the answer may be RabbitMQ's own, in place of a leader that is too busy. */
export async function askForCounts(channel: AMQPChannel, queue: string): Promise<Counts | null> {
  const askedAt = performance.now()
  const { messageCount, consumerCount } = await channel.queueDeclare(queue, { passive: true })
  const isTimely = performance.now() - askedAt < DOUBTFUL_AFTER_MS
  return isTimely || messageCount > 0 || consumerCount > 0 ? { messageCount, consumerCount } : null
}
