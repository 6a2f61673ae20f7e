import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { FailureRecord } from "../../event/failure.ts"
import type { DeadLetter } from "../engine.ts"
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
  const name = deadQueueOf(queue)
  const channel = await client.channel()
  const { messageCount } = await channel.queueDeclare(name, { passive: true })
  const asked = Array.from({ length: Math.min(messageCount, MAX_TAKEN) }, () =>
    channel.basicGet(name, { noAck: false }),
  )
  const taken = (await Promise.all(asked)).filter((message) => message !== null)
  const last = taken.at(-1)
  if (last !== undefined) await channel.basicNack(last.deliveryTag, true, true)
  // A quorum queue takes them back after it has said so; who looks next must find them there.
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const { messageCount: back } = await channel.queueDeclare(name, { passive: true })
    if (back >= taken.length) break
    await Bun.sleep(LOOK_INTERVAL_MS)
  }
  await channel.close()
  return taken.slice(0, limit).map((message) => ({
    body: bodyOf(message),
    failure: failureOf(message, queue) ?? UNKNOWN_FAILURE,
  }))
}
