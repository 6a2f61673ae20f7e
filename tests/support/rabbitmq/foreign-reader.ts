/** Size of a field's value by type, in bytes; other types have a length of four bytes first. */
const FIXED: Readonly<Record<string, number>> = {
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
  T: 8,
  d: 8,
  V: 0,
}

/** Flags of the content header for content type and encoding, which come before the headers. */
const TEXTS_BEFORE = [0x8000, 0x4000]
const HEADERS = 0x2000
const FLAGS_AT = 12

/**
 * Returns the headers of a message by name, each with the bytes of its type and value, from a content header
 * frame.
 */
export function headersOf(payload: Buffer): ReadonlyMap<string, Buffer> {
  const flags = payload.readUInt16BE(FLAGS_AT)
  let at = FLAGS_AT + 2
  for (const flag of TEXTS_BEFORE) {
    if ((flags & flag) !== 0) at += 1 + payload.readUInt8(at)
  }
  if ((flags & HEADERS) === 0) return new Map()
  const end = at + 4 + payload.readUInt32BE(at)
  const fields = new Map<string, Buffer>()
  at += 4
  while (at < end) {
    const from = at + 1 + payload.readUInt8(at)
    const type = String.fromCharCode(payload.readUInt8(from))
    const length = FIXED[type] ?? 4 + payload.readUInt32BE(from + 1)
    fields.set(payload.toString("utf8", at + 1, from), payload.subarray(from, from + 1 + length))
    at = from + 1 + length
  }
  return fields
}
