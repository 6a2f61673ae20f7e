/** A value of an AMQP field table with its type, as RabbitMQ accepts it. */
export type ForeignField =
  | { readonly type: "t" | "b" | "B" | "s" | "u" | "I" | "i" | "f" | "d"; readonly value: number }
  | { readonly type: "l" | "T"; readonly value: bigint }
  | { readonly type: "D"; readonly scale: number; readonly value: number }
  | { readonly type: "S" | "x"; readonly value: string | Uint8Array }
  | { readonly type: "V" }
  | { readonly type: "A"; readonly value: readonly ForeignField[] }
  | { readonly type: "F"; readonly value: readonly (readonly [string, ForeignField])[] }

type ForeignTable = Extract<ForeignField, { readonly type: "F" }>["value"]

/** Message properties as another program sets them, unchecked. */
export interface ForeignProperties {
  readonly contentType?: string | Uint8Array
  readonly contentEncoding?: string | Uint8Array
  readonly headers?: ForeignTable
  readonly deliveryMode?: number
  readonly priority?: number
  readonly correlationId?: string | Uint8Array
  readonly replyTo?: string | Uint8Array
  readonly expiration?: string
  readonly messageId?: string | Uint8Array
  readonly timestamp?: bigint
  readonly type?: string | Uint8Array
  readonly userId?: string
  readonly appId?: string | Uint8Array
}

export const octet = (value: number): Buffer => Buffer.from([value & 0xff])

export function short(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

export function long(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export function longLong(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
  return bytes
}

const bytesOf = (text: string | Uint8Array): Buffer => Buffer.from(text as string)

export function shortString(text: string | Uint8Array): Buffer {
  const bytes = bytesOf(text)
  return Buffer.concat([octet(bytes.length), bytes])
}

export function longString(text: string | Uint8Array): Buffer {
  const bytes = bytesOf(text)
  return Buffer.concat([long(bytes.length), bytes])
}

export const table = (fields: ForeignTable): Buffer =>
  longString(Buffer.concat(fields.flatMap(([name, field]) => [shortString(name), encodeField(field)])))

/** Encodes a field: its type octet, then its value. */
export const encodeField = (field: ForeignField): Buffer =>
  Buffer.concat([Buffer.from(field.type), bytesOfValue(field)])

function bytesOfValue(field: ForeignField): Buffer {
  switch (field.type) {
    case "t":
    case "b":
    case "B":
      return octet(field.value)
    case "s":
    case "u":
      return short(field.value & 0xffff)
    case "I":
    case "i":
      return long(field.value)
    case "f": {
      const bytes = Buffer.alloc(4)
      bytes.writeFloatBE(field.value)
      return bytes
    }
    case "d": {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleBE(field.value)
      return bytes
    }
    case "l":
    case "T":
      return longLong(field.value)
    case "D":
      return Buffer.concat([octet(field.scale), long(field.value)])
    case "S":
    case "x":
      return longString(field.value)
    case "V":
      return Buffer.alloc(0)
    case "A":
      return longString(Buffer.concat(field.value.map(encodeField)))
    case "F":
      return table(field.value)
  }
}

/** Encodes a content header's flags and properties. Source: AMQP 0-9-1, section 4.2.6.1. */
export function encodeProperties(properties: ForeignProperties): Buffer {
  const { deliveryMode, priority, timestamp, headers } = properties
  const text = (value: string | Uint8Array | undefined) => value && shortString(value)
  const parts = [
    text(properties.contentType),
    text(properties.contentEncoding),
    headers && table(headers),
    deliveryMode === undefined ? undefined : octet(deliveryMode),
    priority === undefined ? undefined : octet(priority),
    text(properties.correlationId),
    text(properties.replyTo),
    text(properties.expiration),
    text(properties.messageId),
    timestamp === undefined ? undefined : longLong(timestamp),
    text(properties.type),
    text(properties.userId),
    text(properties.appId),
  ]
  let flags = 0
  const values = parts.flatMap((part, index) => {
    if (part === undefined || part === "") return []
    flags |= 0x8000 >> index
    return [part]
  })
  return Buffer.concat([short(flags), ...values])
}
