import type { StoredPublication } from "../engine/embedded/store/stored-events.ts"
import { readTraceContext, traceIdOf } from "../event/trace-context.ts"
import { requireEvent } from "../event/validate.ts"
import type { DescribedEvent } from "./fact-event.ts"
import type { ReadPublished, ReadStored } from "./fact-line.ts"

/** Reads the events that `stored` facts refer to. Returns those with these numbers and between. */
export type ReadEvents = (first: number, last: number) => readonly StoredPublication[]

/** The beginning of an event as this service writes it, with strings that need no unescaping. */
const PLAIN_HEAD =
  /^\{"id":"([^"\\]+)","type":"([^"\\]+)","name":"([^"\\]+)","routing_key":"([^"\\]+)","payload":\{/

/** Begins what follows the metadata and the time. Within strings, quotes are escaped, and only a key follows. */
const END = '"status":"pending","retry_count":0'

/** The end of an event behind `END`. */
const PLAIN_END = /^(?:,"ordering_key":"([^"\\]+)")?\}$/

/** Returns the publication of an event that a `stored` fact refers to; null if the event can't be read. */
export function publicationOf(
  { at, queues }: ReadStored,
  { body, trace, causedBy }: StoredPublication,
): ReadPublished | null {
  const event = describedBy(body)
  if (event === null) return null
  const context = trace === null ? null : readTraceContext(trace, null)
  const traceId = context === null ? null : traceIdOf(context)
  return { fact: "published", at, queues, event, body, traceId, causedBy }
}

/** Reads what the history searches by. Parsing the whole event takes longer. */
function describedBy(body: string): DescribedEvent | null {
  const head = PLAIN_HEAD.exec(body)
  const endAt = body.lastIndexOf(END)
  const end = endAt < 0 ? null : PLAIN_END.exec(body.slice(endAt + END.length))
  const [, id, type, name, routing_key] = head ?? []
  if (
    id !== undefined &&
    type !== undefined &&
    name !== undefined &&
    routing_key !== undefined &&
    end !== null
  ) {
    const [, ordering_key] = end
    return { id, type, name, routing_key, ordering_key }
  }
  try {
    return requireEvent(JSON.parse(body))
  } catch {
    // Damaged. The engine makes it a dead letter.
    return null
  }
}
