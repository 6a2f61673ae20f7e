import { type AMQPChannel, type AMQPClient, AMQPConsumer } from "@cloudamqp/amqp-client"
import { askForCounts } from "../queues/message-count.ts"
import type { DeliveryGate } from "./delivery-gate.ts"
import type { Settlements } from "./settlements.ts"

/** A channel with its consumer, from the time the channel is open. */
export interface Run {
  readonly client: AMQPClient
  readonly channel: AMQPChannel
  readonly settlements: Settlements
  readonly gate: DeliveryGate
  /** Resolves when the consumer is registered on the channel. */
  begun: Promise<void>
  /** RabbitMQ takes long to register it, so that nobody waits for that. */
  isSilent: boolean
}

/** Largest prefetch of AMQP's basic.qos; 0 would mean no limit. */
const MAX_PREFETCH = 65_535

/**
 * How long a consumer of a queue with ordering keys waits for earlier consumers to end, and how often it
 * checks, in milliseconds. Consumers of other instances stay; order is then not guaranteed.
 */
const MAX_WAIT_FOR_OTHERS_MS = 3_000
const WAIT_INTERVAL_MS = 20

/** Time between two looks for a consumer, in milliseconds. */
const LOOK_INTERVAL_MS = 100

/** Registers the consumer of a queue. Calls `onEnd`, perhaps twice, when the broker or a lost channel ends it. */
export async function beginConsumer(
  channel: AMQPChannel,
  queue: string,
  prefetch: number,
  onEnd: () => void,
): Promise<void> {
  await channel.basicQos(Math.min(MAX_PREFETCH, prefetch))
  // The broker cancels a consumer whose queue is deleted or loses its leader; the channel stays open. The
  // library drops a cancel that arrives together with the answer to basic.consume, unless it already knows
  // the consumer's tag.
  const tag = Bun.randomUUIDv7()
  const early = new AMQPConsumer(channel, tag, () => {})
  channel.consumers.set(tag, early)
  early.wait().catch(onEnd)
  const consumer = await channel.basicConsume(queue, { noAck: false, tag }, () => {})
  consumer.wait().catch(onEnd)
}

/**
 * Waits until no other consumer is registered. Deliveries of a lost consumer return when the broker notices its end:
 * seconds later, if the broker itself was killed and restarted. A consumer that starts earlier would receive the events
 * behind them.
 */
export async function othersEnd(channel: AMQPChannel, queue: string, isWanted: () => boolean): Promise<void> {
  const goesOnAt = performance.now() + MAX_WAIT_FOR_OTHERS_MS
  while (performance.now() < goesOnAt && isWanted()) {
    const counts = await askForCounts(channel, queue)
    if (counts?.consumerCount === 0) return
    await Bun.sleep(WAIT_INTERVAL_MS)
  }
}

/**
 * Returns whether RabbitMQ says, twice, that a queue has no consumer. False if it says something else or nothing at once.
 */
export async function isForgotten(client: AMQPClient, queue: string): Promise<boolean> {
  try {
    const channel = await client.channel()
    try {
      for (let looks = 0; looks < 2; looks++) {
        const counts = await askForCounts(channel, queue)
        if (counts === null || counts.consumerCount > 0) return false
        await Bun.sleep(LOOK_INTERVAL_MS)
      }
      return true
    } finally {
      if (!channel.closed) channel.close().catch(() => {})
    }
  } catch {
    // The queue is missing, which RabbitMQ tells its consumers, or the connection was lost.
    return false
  }
}

/**
 * Ends a consumer. Its earlier deliveries can still be settled on the channel. Deliveries on their way to a cancelled
 * consumer would return before the rest, so where order matters, the consumer receives them until the channel closes.
 */
export async function endRun({ channel, settlements }: Run, keepsOrder: boolean): Promise<void> {
  // If the channel breaks meanwhile, the consumer has ended, too.
  if (!keepsOrder) await cancelAll(channel).catch(() => {})
  settlements.end()
}

/** Closes a channel that nothing is consumed on. */
export function abandon({ channel }: Run): void {
  // The channel may break before it is closed.
  if (!channel.closed) channel.close().catch(() => {})
}

const cancelAll = (channel: AMQPChannel): Promise<unknown> =>
  Promise.all([...channel.consumers.keys()].map((tag) => channel.basicCancel(tag)))
