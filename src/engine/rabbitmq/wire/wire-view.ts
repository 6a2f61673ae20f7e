import type { AMQPProperties } from "@cloudamqp/amqp-client"
import { AMQPView } from "@cloudamqp/amqp-client/amqp-view"
import { EncodedField } from "./field-table.ts"
import { WireProperties } from "./wire-properties.ts"

const INTEGER = "I".charCodeAt(0)
const LONG_INTEGER = "l".charCodeAt(0)
const DOUBLE = "d".charCodeAt(0)

const MAX_INTEGER = 2 ** 31

/** The library's view of frames, changed to read properties without errors and to write them without loss. */
export class WireView extends AMQPView {
  /** Reads the properties of a content header. The view holds one frame, which ends with them. */
  override getProperties(byteOffset: number): [AMQPProperties, number] {
    const length = this.byteLength - 1 - byteOffset
    return [WireProperties.decode(Buffer.from(this.buffer, this.byteOffset + byteOffset, length)), length]
  }

  /** The library writes integers above 2^31 as negative numbers, and fractions as 32-bit floats. */
  override setField(byteOffset: number, field: unknown, littleEndian?: boolean): number {
    if (field instanceof EncodedField) {
      new Uint8Array(this.buffer, this.byteOffset, this.byteLength).set(field, byteOffset)
      return field.length
    }
    if (typeof field === "number") return this.#setNumber(byteOffset, field)
    return super.setField(byteOffset, field as object, littleEndian)
  }

  #setNumber(at: number, value: number): number {
    if (!Number.isSafeInteger(value)) {
      this.setUint8(at, DOUBLE)
      this.setFloat64(at + 1, value)
      return 9
    }
    if (value >= -MAX_INTEGER && value < MAX_INTEGER) {
      this.setUint8(at, INTEGER)
      this.setInt32(at + 1, value)
      return 5
    }
    this.setUint8(at, LONG_INTEGER)
    this.setInt64(at + 1, value)
    return 9
  }
}

/**
 * The buffers that the library writes publishes to. Each is reused after its publish is confirmed. Larger
 * buffers are not kept, because each would stay as long as the connection.
 */
export class ViewPool extends Array<WireView> {
  readonly #frameMax: () => number

  /**
   * @param frameMax returns the size of a new buffer, in bytes: a message's properties have to fit in one
   * frame
   */
  constructor(frameMax: () => number) {
    super()
    this.#frameMax = frameMax
  }

  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }

  override pop(): WireView {
    return super.pop() ?? new WireView(new ArrayBuffer(this.#frameMax()))
  }

  override push(...views: readonly AMQPView[]): number {
    for (const view of views) {
      if (view instanceof WireView && view.byteLength <= this.#frameMax()) super.push(view)
    }
    return this.length
  }
}
