import { checksumOf, type Identity, onQueue, type StoredEvent } from "./checksum.ts"

/**
 * An event as stored in a row: null columns if it is missing, and any type in any column if the row is
 * damaged.
 */
export interface EventRow {
  readonly body: unknown
  readonly trace: unknown
  /** NULL in rows of an earlier version, which are not checked. */
  readonly checksum: unknown
}

/**
 * Returns whether an event equals what was stored, compared with its message or dead letter. Never throws.
 */
export function isIntact<Row extends EventRow>(
  row: Row,
  place: Identity & { readonly queue: number },
): row is Row & StoredEvent {
  const { body, trace, checksum } = row
  if (typeof body !== "string" || !isTextOrNull(trace)) return false
  if (checksum === null) return true
  const shared = checksumOf(body, trace, place)
  return checksum === shared || checksum === onQueue(shared, place.queue)
}

/** Describes what is wrong with an event that is not intact. */
export function faultOf({ body }: EventRow): string {
  return body === null
    ? "the event is missing in the store"
    : "the event differs from what was stored: its checksum does not match"
}

/** Returns the readable part of a body for display. Never for a handler. */
export function readable(body: unknown): string {
  if (typeof body === "string") return body
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : ""
}

/** Returns the id in a body, or null if it can't be read. */
export function idIn(body: string): string | null {
  const [, text] = /"id":("(?:[^"\\]|\\.){1,600}")/.exec(body) ?? []
  if (text === undefined) return null
  try {
    return JSON.parse(text)
  } catch {
    // A part of a damaged body.
    return null
  }
}

const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === "string"
