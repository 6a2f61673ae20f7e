import { WireView } from "./wire-view.ts"

/** Length of type, channel and size, which precede a frame's content. Source: AMQP 0-9-1, section 4.2.3. */
const HEAD_BYTES = 7
const SIZE_AT = 3
const END_BYTES = 1

/**
 * Size of the buffer for frames that arrive in pieces, in bytes: RabbitMQ's default frame size, with head and
 * end.
 */
const USUAL_BYTES = 131_072

/**
 * The largest frame, in bytes: RabbitMQ's largest message. Bodies respect the negotiated frame size. Content
 * headers don't, because RabbitMQ neither splits them nor checks what it adds to them.
 */
const MAX_FRAME_BYTES = 536_870_912

/** Assembles frames that a socket delivers in pieces. */
export class FrameReader {
  #part = Buffer.allocUnsafe(0)
  #length = 0

  /**
   * Reads what the socket has delivered, and passes on each complete frame. Its bytes are valid during the
   * call.
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

  /** Buffers the next bytes of a frame, its head first. Returns the index in the chunk after them. */
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

/** Returns the size of the frame that starts at this index; null if its head is incomplete. */
function sizeOf(bytes: Buffer, at: number, available: number): number | null {
  if (available < HEAD_BYTES) return null
  const size = HEAD_BYTES + bytes.readUInt32BE(at + SIZE_AT) + END_BYTES
  if (size > MAX_FRAME_BYTES) throw new Error(`RabbitMQ sent a frame of ${size} bytes`)
  return size
}
