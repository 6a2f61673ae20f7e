import type { StoredPublication } from "../engine/embedded/store/stored-events.ts"
import { readTraceContext, traceIdOf } from "../event/trace-context.ts"
import { requireEvent } from "../event/validate.ts"
import type { FactEvent } from "./fact-event.ts"
import type { ReadPublished, ReadStored } from "./fact-line.ts"
import { plainBody } from "./stored-body.ts"

/** Returns the publication of an event that a `stored` fact refers to; null if the event can't be read. */
export function publicationOf(
  { at, queues }: ReadStored,
  { body, trace, causedBy }: StoredPublication,
): ReadPublished | null {
  const event = read(body)
  if (event === null) return null
  const context = trace === null ? null : readTraceContext(trace, null)
  const traceId = context === null ? null : traceIdOf(context)
  return { ...event, fact: "published", at, queues, traceId, causedBy }
}

/** Reads what the history searches by. Parsing the whole event takes longer. */
function read(body: string): FactEvent | null {
  const plain = plainBody(body)
  if (plain !== null) return { event: plain.event, body, stored: plain.rest }
  try {
    return { event: requireEvent(JSON.parse(body)), body }
  } catch {
    // Damaged. The engine makes it a dead letter.
    return null
  }
}
