import type { Event } from "./envelope.ts"
import { isDefaultRoutingKey } from "./routing-space.ts"

/** Begins the part of an event's JSON that the history keeps as it is. */
export const PAYLOAD = '"payload":{'

/** Begins what follows that part. Within strings, quotes are escaped, and only an ordering key follows. */
export const END = '"status":"pending","retry_count":0'

/** A length takes a byte: the longest part, a routing key, has 255 characters. */
const LENGTHS = 256

/** The text before each part. */
export const BEFORE_ID = '{"id":"'
export const BEFORE_TYPE = '","type":"'
export const BEFORE_NAME = '","name":"'
export const BEFORE_KEY = '","routing_key":"'

/** Returns the beginning of an event's JSON, up to its payload, if no part needs to be escaped. */
export const headOf = (id: string, type: string, name: string, routingKey: string): string =>
  `${BEFORE_ID}${id}${BEFORE_TYPE}${type}${BEFORE_NAME}${name}${BEFORE_KEY}${routingKey}",`

/** Returns what follows `END` in an event's JSON, if the ordering key needs not be escaped. */
export const tailOf = (orderingKey: string | null): string =>
  orderingKey === null ? "}" : `,"ordering_key":"${orderingKey}"}`

/**
 * Returns where the parts of an event are in its JSON: one number, whose bytes are, from the lowest on, the lengths of its
 * type, id, name, routing key (0 if it names none) and ordering key (0 if it has none). Returns null if the JSON is not
 * as this service writes it, or if a part is not plain ASCII without escapes.
 */
export function layoutOf(event: Event, body: string): number | null {
  const { id, type, name, routing_key: key, ordering_key = null } = event
  // Making and comparing two texts takes less time than looking for each part.
  const head = headOf(id, type, name, key) + PAYLOAD
  const tail = END + tailOf(ordering_key)
  if (!body.startsWith(head) || !body.endsWith(tail)) return null
  if (Buffer.byteLength(head) !== head.length || Buffer.byteLength(tail) !== tail.length) return null
  const keyLength = isDefaultRoutingKey(key, type, name) ? 0 : key.length
  const keys = (ordering_key?.length ?? 0) * LENGTHS + keyLength
  return ((keys * LENGTHS + name.length) * LENGTHS + id.length) * LENGTHS + type.length
}
