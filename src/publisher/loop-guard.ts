import type { Event } from "../event/envelope.ts"
import { LoopSuspectedError } from "../event/errors.ts"
import { type Cause, hopsOf, type Lineage, lineageAfter, linkOf } from "../event/lineage.ts"

/**
 * Returns the lineage of a handler's event.
 * @param maxHops most hops of an event. 0: no limit
 * @throws {LoopSuspectedError} if the event would have more
 */
export function guardedLineage(event: Event, cause: Cause, maxHops: number): Lineage {
  const lineage = lineageAfter(cause)
  if (maxHops === 0 || lineage.hops <= maxHops) return lineage
  throw new LoopSuspectedError(
    `${linkOf(event)} is not published: it would have ${lineage.hops} hops, more than MAX_HOPS (${maxHops}) allows, ` +
      `so handlers probably publish in a loop. ${describeCause(cause)}: ${describeChain(event, lineage)}`,
  )
}

function describeCause({ id, link, lineage }: Cause): string {
  const causedBy = lineage === null ? "was published from outside" : `was caused by ${lineage.causedBy}`
  return `${link} with the id ${id} ${causedBy} and has ${hopsOf(lineage)} hops`
}

/** Shows the known end of the chain, up to the event that is not published. */
function describeChain(event: Event, { hops, chain }: Lineage): string {
  const links = [...chain, linkOf(event)]
  return (hops > chain.length ? ["…", ...links] : links).join(" → ")
}
