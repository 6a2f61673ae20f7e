import { inspect } from "node:util"
import { type AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import type { AMQPView } from "@cloudamqp/amqp-client/amqp-view"
import { reasonOf } from "../../../system/reason-of.ts"
import { withTimeout } from "../../../system/with-timeout.ts"
import { boundReplies, noReply } from "../wire/bounded-replies.ts"
import { FrameReader } from "../wire/frame-reader.ts"
import { ViewPool } from "../wire/wire-view.ts"

const METHOD_FRAME = 1
const BASIC = 60
const NACK = 120

/**
 * Offsets in a method frame, after type, channel and size: class and method; for basic.nack then the tag and
 * its bits.
 */
const CLASS_AT = 7
const METHOD_AT = 9
const NACK_BITS_AT = 19
const MULTIPLE_BIT = 1

/** How long RabbitMQ may take to answer a request on a channel, in milliseconds: longer than a large queue takes to go. */
const REPLY_TIMEOUT_MS = 30_000

/** How many channels of a connection may be given up because RabbitMQ does not answer, before the connection is too. */
const MAX_SILENT_CHANNELS = 100

/**
 * The library's client, with these bugs worked around:
 *
 * It reads the bits of a nack as a single flag, but RabbitMQ also sets the bit for `requeue`, which means
 * nothing to a publisher. A nack of several publishes was taken for a nack of the last one, and the others
 * waited for their timeout.
 *
 * It handles the promise of a confirm only after the publish is written. If the connection was lost before,
 * nobody handled it, and an unhandled rejection ended the process.
 *
 * It throws from the socket's callback, which ends the process, if a content header is larger than its
 * buffer, a field has an unknown type, or a callback throws. Such an error now ends the connection.
 */
export class BrokerClient extends AMQPClient {
  readonly #frames = new FrameReader()
  readonly #parse = (frame: AMQPView): void => this.parseFrames(frame)
  readonly #replyTimeoutMs: number
  #isBroken = false
  #silentChannels = 0

  /** @param replyTimeoutMs how long RabbitMQ may take to answer a request on a channel, in milliseconds; default 30 seconds */
  constructor(url: string, replyTimeoutMs = REPLY_TIMEOUT_MS) {
    super(url)
    // The library leaves the brackets of a URL around an IPv6 address, and a socket takes them for a part of a name.
    Reflect.set(this, "host", this.host.replace(/^\[|\]$/g, ""))
    this.#replyTimeoutMs = replyTimeoutMs
    // Both are private to the library: the function that reads the socket, and the pool of buffers for
    // publishes.
    Reflect.set(this, "onRead", (bytes: Buffer) => this.#read(bytes))
    Reflect.set(this, "bufferPool", new ViewPool(() => this.frameMax))
    // The library's own buffer is not used, and contains uninitialized memory.
    Reflect.set(this, "frameBuffer", Buffer.alloc(0))
    // The library's errors refer to the client, and Bun prints everything that an error refers to, but does
    // not call accessors.
    for (const name of ["username", "password"]) {
      const value: unknown = Reflect.get(this, name)
      Object.defineProperty(this, name, { get: () => value, enumerable: false })
    }
  }

  /** Keeps credentials out of logs. */
  [inspect.custom](): string {
    return "BrokerClient"
  }

  toJSON(): string {
    return "BrokerClient"
  }

  /** Opens a channel. Each request on it rejects if RabbitMQ does not answer in time. */
  override async channel(id?: number): Promise<AMQPChannel> {
    const opening = super.channel(id)
    const tooLate = noReply(this.#replyTimeoutMs)
    try {
      const channel = await withTimeout(opening, this.#replyTimeoutMs, tooLate)
      boundReplies(channel, this.#replyTimeoutMs, () => this.#countSilence())
      return channel
    } catch (error) {
      if (error === tooLate) {
        this.#countSilence()
        opening.then((late) => late.close()).catch(() => {})
      }
      throw error
    }
  }

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

  /**
   * Resolves when the bytes are passed to the socket. A failed write ends the connection, which reports it.
   */
  override send(bytes: Uint8Array): Promise<void> {
    const written = super.send(bytes)
    if (this.socket === undefined) return written
    written.catch(() => {})
    return Promise.resolve()
  }

  /** RabbitMQ has a channel open until it answers, and a connection has at most 2,047. */
  #countSilence(): void {
    this.#silentChannels++
    if (this.#silentChannels >= MAX_SILENT_CHANNELS) this.socket?.destroy()
  }

  #read(bytes: Buffer): void {
    if (this.#isBroken) return
    try {
      this.#frames.read(bytes, this.#parse)
    } catch (error) {
      this.#isBroken = true
      const reason = reasonOf(error)
      this.socket?.destroy(new Error(`RabbitMQ sent data that can't be read: ${reason}`))
    }
  }
}
