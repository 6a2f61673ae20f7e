import { isJsonObject } from "../../event/json-text.ts"
import type { Delivery } from "../engine.ts"

const FIELD = "ordering_key"

/** With an escape, a field can be written in other letters. */
const ESCAPE = "\\u"

/**
 * Returns the ordering key of a delivery; null if it has none, or is not an event. Reads only bodies that can have a
 * key, because every delivery is asked for it.
 */
export function orderingKeyOf({ body, malformed }: Pick<Delivery, "body" | "malformed">): string | null {
  if (malformed !== null || !(body.includes(FIELD) || body.includes(ESCAPE))) return null
  try {
    const event: unknown = JSON.parse(body)
    const key = isJsonObject(event) ? event[FIELD] : null
    return typeof key === "string" ? key : null
  } catch {
    // Not JSON: the consumer makes it a dead letter.
    return null
  }
}
