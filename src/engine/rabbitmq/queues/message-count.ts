import type { AMQPChannel } from "@cloudamqp/amqp-client"
import type { StallWatch } from "./stall-watch.ts"

/**
 * Response time from which a count of 0 is doubtful, in milliseconds: RabbitMQ waits 250 ms for the leader of
 * a quorum queue, then answers 0 itself (`rabbit_quorum_queue:stat/1`).
 */
const DOUBTFUL_AFTER_MS = 200

/** Wait before asking again, in milliseconds. */
const ASK_INTERVAL_MS = 20

export interface Counts {
  readonly messageCount: number
  readonly consumerCount: number
}

export interface CountOptions {
  /**
   * True if the caller consumes the queue, so that an answer without consumers is not the queue's own.
   * Default: false.
   */
  readonly hasConsumer?: boolean
}

/**
 * Counts the messages waiting in a queue. Asks again while a 0 may mean that the queue's leader is too busy
 * to answer.
 * @throws {EngineUnavailableError} when the watch has stalled
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
 * Counts the messages and consumers of a queue, like `messagesIn`.
 * @throws {EngineUnavailableError} when the watch has stalled
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

/** Asks once. Returns null if RabbitMQ may have answered in place of a busy leader. */
export async function askForCounts(channel: AMQPChannel, queue: string): Promise<Counts | null> {
  const askedAt = performance.now()
  const { messageCount, consumerCount } = await channel.queueDeclare(queue, { passive: true })
  const isTimely = performance.now() - askedAt < DOUBTFUL_AFTER_MS
  return isTimely || messageCount > 0 || consumerCount > 0 ? { messageCount, consumerCount } : null
}
