import type { AMQPClient } from "@cloudamqp/amqp-client"
import { withTimeout } from "../../../system/with-timeout.ts"
import { HISTORY_STREAM } from "./history-stream.ts"
import type { LoneTail } from "./lone-tail.ts"
import { offsetOf } from "./stream-message.ts"

/** Messages that RabbitMQ sends before they are acknowledged: more than are usually stored at the same moment. */
const PREFETCH = 100

/** How long RabbitMQ may take, in milliseconds. */
const TIMEOUT_MS = 2_000

/**
 * Reads what was stored last in the stream, up to this offset at least, and compares it with the tail. Resolves with the
 * offset of the last message if all are the tail's, and with null if one is not.
 * @throws an error that `faultOf` reads, or if RabbitMQ sends nothing in time.
 */
export async function compareEnd(client: AMQPClient, tail: LoneTail, offset: number): Promise<number | null> {
  const channel = await client.channel()
  // Otherwise the library writes to the console why RabbitMQ closed the channel. The rejection says it, too.
  channel.onerror = () => {}
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  try {
    await channel.basicQos(PREFETCH)
    // Past the library's list of consumers: it drops messages that arrive together with the answer to basic.consume.
    channel.deliver = (message) => {
      message.ack().catch(() => {})
      const found = offsetOf(message)
      const place = found === null ? "foreign" : tail.find(found, message.properties.messageId ?? "")
      if (place === "foreign") resolve(null)
      else if (place === "own" && found !== null && found >= offset) resolve(found)
    }
    const args = { "x-stream-offset": "last" }
    const consumer = await channel.basicConsume(HISTORY_STREAM, { noAck: false, args }, () => {})
    consumer.wait().catch(reject)
    return await withTimeout(promise, TIMEOUT_MS, new Error("RabbitMQ does not send the end of the stream"))
  } finally {
    channel.close().catch(() => {})
  }
}
