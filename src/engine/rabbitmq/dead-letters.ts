import type { AMQPChannel, AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import type { FailureRecord } from "../../event/failure.ts"
import { select } from "../dead-letter-selection.ts"
import type { DeadLetter, DeadLetterSelection, Redriven } from "../engine.ts"
import { PublishError } from "../errors.ts"
import { bodyOf, failureOf } from "./message.ts"
import { deadQueueOf } from "./topology.ts"

/** Of a message that somebody else put there, without a word why. */
const UNKNOWN_FAILURE: FailureRecord = {
  reason: "rejected",
  attempts: 0,
  firstFailedAt: 0,
  lastFailedAt: 0,
  error: null,
  module: null,
}

/** The most that one look takes; a queue with more is turned by as many at each look. */
const MAX_TAKEN = 10_000

/** How often, and how far apart in milliseconds, to look whether what was taken is back. */
const MAX_LOOKS = 200
const LOOK_INTERVAL_MS = 5

/**
 * Looks at a queue's dead letters: AMQP can only take messages and give them back. A quorum queue puts what comes
 * back behind what came back before, so all of them are taken, whatever the limit: then their order stays. The
 * queue has no delivery limit, so it can be done any number of times.
 */
export async function peekDeadLetters(
  client: AMQPClient,
  queue: string,
  limit: number,
): Promise<readonly DeadLetter[]> {
  const { channel, taken } = await takeAll(client, queue)
  await giveBack(channel, queue, taken)
  return taken.slice(0, limit).map((message) => ({
    body: bodyOf(message),
    failure: failureOf(message, queue) ?? UNKNOWN_FAILURE,
  }))
}

/**
 * Moves dead letters back to their queue. Each is stored there before it is acked here, so that none is lost when
 * this process is killed in between. Stops at the first that is refused.
 */
export async function redriveDeadLetters(
  client: AMQPClient,
  queue: string,
  selection: DeadLetterSelection,
  store: (message: AMQPMessage) => Promise<void>,
): Promise<Redriven> {
  const { channel, taken } = await takeAll(client, queue)
  const letters = taken.map((message) => ({ message, body: bodyOf(message) }))
  const moved = new Set<AMQPMessage>()
  try {
    for (const { message } of select(letters, selection)) {
      await store(message)
      await message.ack()
      moved.add(message)
    }
  } catch (error) {
    if (!(error instanceof PublishError && error.code === "queue-full")) throw error
  } finally {
    await giveBack(
      channel,
      queue,
      taken.filter((message) => !moved.has(message)),
    )
  }
  return { redriven: moved.size, remaining: taken.length - moved.size }
}

async function takeAll(client: AMQPClient, queue: string) {
  const name = deadQueueOf(queue)
  const channel = await client.channel()
  const { messageCount } = await channel.queueDeclare(name, { passive: true })
  const asked = Array.from({ length: Math.min(messageCount, MAX_TAKEN) }, () =>
    channel.basicGet(name, { noAck: false }),
  )
  const taken = (await Promise.all(asked)).filter((message) => message !== null)
  return { channel, taken }
}

/** What was taken and not acked goes back, in its order, and the channel is closed. */
async function giveBack(channel: AMQPChannel, queue: string, left: readonly AMQPMessage[]): Promise<void> {
  const last = left.at(-1)
  if (last !== undefined) await channel.basicNack(last.deliveryTag, true, true)
  // A quorum queue takes them back after it has said so; who looks next must find them there.
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const { messageCount } = await channel.queueDeclare(deadQueueOf(queue), { passive: true })
    if (messageCount >= left.length) break
    await Bun.sleep(LOOK_INTERVAL_MS)
  }
  await channel.close()
}
