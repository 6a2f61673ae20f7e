/**
 * A header value in AMQP's encoding: its type octet, then its bytes. Values are stored again byte for byte,
 * because JavaScript lacks some of AMQP's types: decimals and 64-bit integers would change.
 */
export class EncodedField extends Uint8Array<ArrayBuffer> {}

/** Size of each field type with a fixed length, in bytes. Source: RabbitMQ's amqp-0-9-1 errata, section 3. */
const FIXED_LENGTHS: Readonly<Record<string, number>> = {
  t: 1,
  b: 1,
  B: 1,
  s: 2,
  u: 2,
  I: 4,
  i: 4,
  f: 4,
  D: 5,
  l: 8,
  L: 8,
  d: 8,
  T: 8,
  V: 0,
}

/** Field types with a length of four bytes before their content: text, bytes, array, table. */
const LONG_TYPES = "SxAF"

/** The length of a name is one octet. */
const MAX_NAME_BYTES = 255

const LONG_TEXT = "S".charCodeAt(0)

/** Nesting to which values are read. The deepest that this service reads is the array of tables of `x-death`. */
const MAX_READ_DEPTH = 4

/** Latest date that JavaScript can represent, in seconds since the epoch. */
const MAX_DATE_SECONDS = 8_640_000_000_000

/**
 * Yields the fields of a table, given without its length. Ends at the first field that is cut short or of
 * unknown type, because the start of the next one is then unknown. Does not descend into nested tables, which
 * may be thousands of levels deep.
 */
export function* fieldsOf(
  table: Uint8Array<ArrayBuffer>,
): Generator<readonly [name: string, field: EncodedField]> {
  const bytes = bufferOf(table)
  let at = 0
  while (at < table.length) {
    const nameEnd = at + 1 + bytes.readUInt8(at)
    const length = fieldLength(bytes, nameEnd, bytes.length)
    if (length === null) return
    const field = new EncodedField(table.buffer, table.byteOffset + nameEnd, length)
    yield [bytes.toString("utf8", at + 1, nameEnd), field]
    at = nameEnd + length
  }
}

/** Writes a table, without its length. Leaves out a field whose name is too long, as one that was not UTF-8 can be. */
export function tableOf(
  fields: Iterable<readonly [name: string, field: EncodedField]>,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = []
  for (const [name, field] of fields) {
    const bytes = Buffer.from(name)
    if (bytes.length <= MAX_NAME_BYTES) parts.push(Uint8Array.of(bytes.length), bytes, field)
  }
  return new Uint8Array(Buffer.concat(parts))
}

/** Encodes a text as a field. */
export function textField(text: string): EncodedField {
  const bytes = Buffer.from(text)
  const field = new EncodedField(new ArrayBuffer(5 + bytes.length))
  field[0] = LONG_TEXT
  bufferOf(field).writeUInt32BE(bytes.length, 1)
  field.set(bytes, 5)
  return field
}

/**
 * Reads a table for this service's own use. It has no prototype, because a header may be named `constructor`.
 */
export const readTable = (table: Uint8Array<ArrayBuffer>): Readonly<Record<string, unknown>> =>
  tableAt(bufferOf(table), 0, table.length)

/**
 * Like `readTable`, for a table within other bytes. Reads the values in place, because every delivery has headers, and a
 * view of each field costs more than its value.
 */
export function tableAt(
  bytes: Buffer,
  from: number,
  to: number,
  depth = 0,
): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = Object.create(null)
  for (let at = from; at < to; ) {
    const nameEnd = at + 1 + bytes.readUInt8(at)
    const length = fieldLength(bytes, nameEnd, to)
    if (length === null) break
    const end = nameEnd + length
    values[bytes.toString("utf8", at + 1, nameEnd)] = valueAt(bytes, nameEnd, end, depth)
    at = end
  }
  return values
}

function arrayAt(bytes: Buffer, from: number, to: number, depth: number): readonly unknown[] {
  const values: unknown[] = []
  for (let at = from; at < to; ) {
    const length = fieldLength(bytes, at, to)
    if (length === null) break
    values.push(valueAt(bytes, at, at + length, depth))
    at += length
  }
  return values
}

/** Reads a complete field that ends before `end`; undefined if it nests too deep or can't be expressed. */
function valueAt(bytes: Buffer, at: number, end: number, depth: number): unknown {
  if (depth > MAX_READ_DEPTH) return undefined
  switch (String.fromCharCode(bytes.readUInt8(at))) {
    case "t":
      return bytes.readUInt8(at + 1) !== 0
    case "b":
      return bytes.readInt8(at + 1)
    case "B":
      return bytes.readUInt8(at + 1)
    case "s":
      return bytes.readInt16BE(at + 1)
    case "u":
      return bytes.readUInt16BE(at + 1)
    case "I":
      return bytes.readInt32BE(at + 1)
    case "i":
      return bytes.readUInt32BE(at + 1)
    case "l":
      return Number(bytes.readBigInt64BE(at + 1))
    case "L":
      return Number(bytes.readBigUInt64BE(at + 1))
    case "f":
      return bytes.readFloatBE(at + 1)
    case "d":
      return bytes.readDoubleBE(at + 1)
    case "T":
      return dateAt(bytes, at + 1)
    case "V":
      return null
    case "x":
      return new Uint8Array(bytes.subarray(at + 5, end))
    case "S":
      return bytes.toString("utf8", at + 5, end)
    case "F":
      return tableAt(bytes, at + 5, end, depth + 1)
    case "A":
      return arrayAt(bytes, at + 5, end, depth + 1)
    default:
      return undefined
  }
}

/** Returns the length of a field including its type; null if it is cut short or of unknown type. */
function fieldLength(bytes: Buffer, at: number, end: number): number | null {
  if (at >= end) return null
  const type = String.fromCharCode(bytes.readUInt8(at))
  let length = FIXED_LENGTHS[type]
  if (LONG_TYPES.includes(type)) {
    if (at + 5 > end) return null
    length = 4 + bytes.readUInt32BE(at + 1)
  }
  if (length === undefined || at + 1 + length > end) return null
  return 1 + length
}

/** Reads a timestamp, in seconds, as a date; undefined if JavaScript can't represent it. */
export function dateAt(bytes: Buffer, at: number): Date | undefined {
  // Inexact above 2^53, which is no date.
  const seconds = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
  return seconds > MAX_DATE_SECONDS ? undefined : new Date(seconds * 1_000)
}

/** Returns a view of the same bytes, with methods to read numbers and text. */
const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)
