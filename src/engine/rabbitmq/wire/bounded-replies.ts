import type { AMQPChannel } from "@cloudamqp/amqp-client"
import { withTimeout } from "../../../system/with-timeout.ts"
import { faultError } from "./broker-fault.ts"

/** The error of a request that RabbitMQ has not answered in time. It is not known whether it was done. */
export const noReply = (timeoutMs: number): Error =>
  faultError({ kind: "timeout", text: `RabbitMQ did not answer within ${timeoutMs} ms` })

/**
 * Makes each request on a channel reject if RabbitMQ does not answer it in time, and closes the channel then. The
 * library waits forever, for instance while RabbitMQ itself waits for a quorum queue that does not start.
 * @param onSilence called once, when the first request is given up
 */
export function boundReplies(channel: AMQPChannel, timeoutMs: number, onSilence: () => void): void {
  const sendRpc: unknown = Reflect.get(channel, "sendRpc")
  if (typeof sendRpc !== "function") throw new Error("the AMQP library has no sendRpc")
  const ask = async (frame: unknown): Promise<unknown> => {
    const tooLate = noReply(timeoutMs)
    try {
      return await withTimeout(sendRpc.call(channel, frame), timeoutMs, tooLate)
    } catch (error) {
      if (error === tooLate && !channel.closed) {
        onSilence()
        channel.close().catch(() => {})
      }
      throw error
    }
  }
  Reflect.set(channel, "sendRpc", ask)
}
