import { checksumOf, type Identity, onQueue, type StoredEvent } from "./checksum.ts"

/** An event as a row has it: nulls if it is missing, and any type in any column if the row is damaged. */
export interface EventRow {
  readonly body: unknown
  readonly trace: unknown
  /** NULL in a row of an earlier version, which is not checked. */
  readonly checksum: unknown
}

/** Whether an event is what was stored, given what its message or dead letter says of it. Never throws. */
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

/** What is wrong with an event that is not intact. */
export function faultOf({ body }: EventRow): string {
  return body === null
    ? "the event is not in the store"
    : "the event is not what was stored: its checksum differs"
}

/** As much of a body as can be shown, whatever became of it. Never for a handler. */
export function readable(body: unknown): string {
  if (typeof body === "string") return body
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : ""
}

/** The id in a body, or null if it can't be read. */
export function idIn(body: string): string | null {
  const [, id = null] = /"id":"([^"\\]{1,255})"/.exec(body) ?? []
  return id
}

const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === "string"
