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
const MAX_DATE_SECONDS = 8_640_000_000_000n

const DECODER = new TextDecoder()

/**
 * Yields the fields of a table, given without its length. Ends at the first field that is cut short or of
 * unknown type, because the start of the next one is then unknown. Does not descend into nested tables, which
 * may be thousands of levels deep.
 */
export function* fieldsOf(
  table: Uint8Array<ArrayBuffer>,
): Generator<readonly [name: string, field: EncodedField]> {
  const view = viewOf(table)
  let at = 0
  while (at < table.length) {
    const nameEnd = at + 1 + view.getUint8(at)
    const length = fieldLength(view, nameEnd)
    if (length === null) return
    const field = new EncodedField(table.buffer, table.byteOffset + nameEnd, length)
    yield [textOf(table.subarray(at + 1, nameEnd)), field]
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
  viewOf(field).setUint32(1, bytes.length)
  field.set(bytes, 5)
  return field
}

/** Reads a value for this service's own use; undefined if it nests too deep or can't be expressed. */
export function readField(field: Uint8Array<ArrayBuffer>, depth = 0): unknown {
  const view = viewOf(field)
  if (depth > MAX_READ_DEPTH || fieldLength(view, 0) !== field.length) return undefined
  switch (String.fromCharCode(view.getUint8(0))) {
    case "t":
      return view.getUint8(1) !== 0
    case "b":
      return view.getInt8(1)
    case "B":
      return view.getUint8(1)
    case "s":
      return view.getInt16(1)
    case "u":
      return view.getUint16(1)
    case "I":
      return view.getInt32(1)
    case "i":
      return view.getUint32(1)
    case "l":
      return Number(view.getBigInt64(1))
    case "L":
      return Number(view.getBigUint64(1))
    case "f":
      return view.getFloat32(1)
    case "d":
      return view.getFloat64(1)
    case "T":
      return dateOf(view.getBigUint64(1))
    case "V":
      return null
    case "x":
      return field.slice(5)
    case "S":
      return textOf(field.subarray(5))
    case "F":
      return readTable(field.subarray(5), depth + 1)
    case "A":
      return readArray(field.subarray(5), depth + 1)
    default:
      return undefined
  }
}

/**
 * Reads a table for this service's own use. It has no prototype, because a header may be named `constructor`.
 */
export function readTable(table: Uint8Array<ArrayBuffer>, depth = 0): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = Object.create(null)
  for (const [name, field] of fieldsOf(table)) values[name] = readField(field, depth)
  return values
}

function readArray(array: Uint8Array<ArrayBuffer>, depth: number): readonly unknown[] {
  const view = viewOf(array)
  const values: unknown[] = []
  for (let at = 0; at < array.length; ) {
    const length = fieldLength(view, at)
    if (length === null) break
    values.push(readField(array.subarray(at, at + length), depth))
    at += length
  }
  return values
}

/** Returns the length of a field including its type; null if it is cut short or of unknown type. */
function fieldLength(view: DataView, at: number): number | null {
  if (at >= view.byteLength) return null
  const type = String.fromCharCode(view.getUint8(at))
  let length = FIXED_LENGTHS[type]
  if (LONG_TYPES.includes(type)) {
    if (at + 5 > view.byteLength) return null
    length = 4 + view.getUint32(at + 1)
  }
  if (length === undefined || at + 1 + length > view.byteLength) return null
  return 1 + length
}

/** Converts a timestamp in seconds to a date; undefined if JavaScript can't represent it. */
export const dateOf = (seconds: bigint): Date | undefined =>
  seconds > MAX_DATE_SECONDS ? undefined : new Date(Number(seconds) * 1_000)

/** Decodes UTF-8. Invalid bytes become U+FFFD. */
export const textOf = (bytes: Uint8Array): string => DECODER.decode(bytes)

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
