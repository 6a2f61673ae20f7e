import { AMQPClient } from "@cloudamqp/amqp-client"
import type { AMQPView } from "@cloudamqp/amqp-client/amqp-view"

const METHOD_FRAME = 1
const BASIC = 60
const NACK = 120

/** In a method frame, after its type, channel and size: class and method; of basic.nack then the tag and its bits. */
const CLASS_AT = 7
const METHOD_AT = 9
const NACK_BITS_AT = 19
const MULTIPLE_BIT = 1

/**
 * The library's client, with two faults of it made good.
 *
 * It takes the bits of a nack for a single flag, but RabbitMQ sets the one for `requeue` too, to no meaning for a
 * publisher. So a nack of several publishes was taken for one of the last, and the others waited until their time was
 * up.
 *
 * And it looks at the promise of a confirm only once the publish has been written. Where the connection was lost
 * before, nobody did, and an unhandled rejection ended the process.
 */
export class BrokerClient extends AMQPClient {
  protected override parseFrames(frame: AMQPView): void {
    if (
      frame.getUint8(0) === METHOD_FRAME &&
      frame.getUint16(CLASS_AT) === BASIC &&
      frame.getUint16(METHOD_AT) === NACK
    ) {
      frame.setUint8(NACK_BITS_AT, frame.getUint8(NACK_BITS_AT) & MULTIPLE_BIT)
    }
    super.parseFrames(frame)
  }

  /** Resolves once the bytes are handed to the socket. What becomes of them, the end of the connection tells. */
  override send(bytes: Uint8Array): Promise<void> {
    const written = super.send(bytes)
    if (this.socket === undefined) return written
    written.catch(() => {})
    return Promise.resolve()
  }
}
