import { WireView } from "./wire-view.ts"

/** Type, channel and size, before a frame's bytes. Source: AMQP 0-9-1, section 4.2.3. */
const HEAD_BYTES = 7
const SIZE_AT = 3
const END_BYTES = 1

/** The buffer for frames that come in pieces, in bytes: RabbitMQ's default frame size, with its head and end. */
const USUAL_BYTES = 131_072

/**
 * The largest frame, in bytes: RabbitMQ's largest message. Bodies keep to the frame size that was agreed on. Content
 * headers don't, because RabbitMQ neither splits them nor looks at what it has added to them.
 */
const MAX_FRAME_BYTES = 536_870_912

/** Puts the frames together that a socket delivers in pieces. */
export class FrameReader {
  #part = Buffer.allocUnsafe(0)
  #length = 0

  /**
   * Takes what the socket has delivered, and passes on each frame that is whole. Its bytes are valid during the call.
   * @throws {Error} if a frame is too large.
   */
  read(chunk: Buffer, onFrame: (frame: WireView) => void): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#length === 0) {
        const size = sizeOf(chunk, at, chunk.length - at)
        if (size !== null && at + size <= chunk.length) {
          onFrame(viewOf(chunk, at, size))
          at += size
          continue
        }
      }
      at = this.#keep(chunk, at)
      if (this.#length !== sizeOf(this.#part, 0, this.#length)) continue
      const frame = viewOf(this.#part, 0, this.#length)
      this.#length = 0
      onFrame(frame)
      if (this.#part.length > USUAL_BYTES) this.#part = Buffer.allocUnsafe(0)
    }
  }

  /** Keeps the next bytes of a frame, its head first, and returns how far into the chunk that is. */
  #keep(chunk: Buffer, from: number): number {
    const size = sizeOf(this.#part, 0, this.#length) ?? HEAD_BYTES
    if (size > this.#part.length) this.#grow(Math.max(size, USUAL_BYTES))
    const end = Math.min(chunk.length, from + size - this.#length)
    this.#length += chunk.copy(this.#part, this.#length, from, end)
    return end
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafe(size)
    this.#part.copy(larger, 0, 0, this.#length)
    this.#part = larger
  }
}

const viewOf = ({ buffer, byteOffset }: Buffer, at: number, size: number): WireView =>
  new WireView(buffer, byteOffset + at, size)

/** Bytes of the frame that begins there; null if its head is not there yet. */
function sizeOf(bytes: Buffer, at: number, available: number): number | null {
  if (available < HEAD_BYTES) return null
  const size = HEAD_BYTES + bytes.readUInt32BE(at + SIZE_AT) + END_BYTES
  if (size > MAX_FRAME_BYTES) throw new Error(`RabbitMQ sent a frame of ${size} bytes`)
  return size
}
