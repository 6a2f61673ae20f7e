import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import type { TopologyOptions } from "../topology/topology.ts"
import { PRECONDITION_FAILED, replyIn } from "../wire/broker-fault.ts"

/** The stream with the facts of all instances. */
export const HISTORY_STREAM = "event-broker.history"

/** How much of the history RabbitMQ keeps. */
export interface HistoryLimits {
  /** In milliseconds. */
  readonly retentionMs: number
  readonly maxBytes: number
}

/** The limits by default: 24 hours and 1 GiB. */
export const HISTORY_LIMITS: HistoryLimits = { retentionMs: 86_400_000, maxBytes: 1_073_741_824 }

/** A stream frees space in whole segments, and keeps the last one: this many make up its greatest length. */
const SEGMENTS = 16

/** Bounds of a segment's size, in bytes. RabbitMQ's default is 500 MB, which would never be freed here. */
const MIN_SEGMENT_BYTES = 500_000
const MAX_SEGMENT_BYTES = 64_000_000

/** How RabbitMQ says that a queue exists with other arguments. Source: rabbit_misc.erl, `assert_field_equivalence`. */
const OTHER_ARGUMENTS = /inequivalent arg/
const OTHER_TYPE = /inequivalent arg '(x-queue-type|durable|exclusive|auto_delete)'/

/**
 * Declares the stream; with `TOPOLOGY=passive`, only looks whether it exists. Resolves with RabbitMQ's words if it exists
 * with other arguments, which is no reason not to use it; otherwise with null.
 * @throws an error that `faultOf` reads.
 */
export async function declareHistory(
  client: AMQPClient,
  limits: HistoryLimits,
  mode: TopologyOptions["mode"],
): Promise<string | null> {
  if (mode === "passive") {
    await find(client)
    return null
  }
  try {
    await declare(client, streamArguments(limits))
    return null
  } catch (error) {
    const reply = replyIn(error)
    if (reply?.code !== PRECONDITION_FAILED || !OTHER_ARGUMENTS.test(reply.text)) throw error
    await requireStream(client)
    return reply.text
  }
}

/** RabbitMQ names the type only if it is the first difference that it finds, so no other argument is asked for. */
async function requireStream(client: AMQPClient): Promise<void> {
  try {
    await declare(client, { "x-queue-type": "stream" })
  } catch (error) {
    const reply = replyIn(error)
    const isOfOtherArguments = reply?.code === PRECONDITION_FAILED && OTHER_ARGUMENTS.test(reply.text)
    if (!isOfOtherArguments || OTHER_TYPE.test(reply.text)) throw error
  }
}

const declare = (client: AMQPClient, args: Record<string, string | number>): Promise<void> =>
  onChannel(client, (channel) =>
    channel.queueDeclare(HISTORY_STREAM, { durable: true, autoDelete: false, exclusive: false }, args),
  )

const find = (client: AMQPClient): Promise<void> =>
  onChannel(client, (channel) => channel.queueDeclare(HISTORY_STREAM, { passive: true }))

/** Uses a channel of its own, because RabbitMQ closes it at a refusal. */
async function onChannel(
  client: AMQPClient,
  work: (channel: AMQPChannel) => Promise<unknown>,
): Promise<void> {
  const channel = await client.channel()
  // Otherwise the library writes to the console why RabbitMQ closed the channel. The rejection says it, too.
  channel.onerror = () => {}
  await work(channel)
  await channel.close()
}

/** The arguments of the stream. RabbitMQ keeps them for as long as it exists. */
const streamArguments = ({ retentionMs, maxBytes }: HistoryLimits): Record<string, string | number> => ({
  "x-queue-type": "stream",
  "x-max-age": `${Math.ceil(retentionMs / 1_000)}s`,
  "x-max-length-bytes": maxBytes,
  "x-stream-max-segment-size-bytes": Math.min(
    MAX_SEGMENT_BYTES,
    Math.max(MIN_SEGMENT_BYTES, Math.ceil(maxBytes / SEGMENTS)),
  ),
})
