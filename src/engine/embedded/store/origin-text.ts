import { chainText, readLineage, startedAgain } from "../../../event/lineage.ts"
import { type Origin, readReplay } from "../../../event/origin.ts"
import { readTraceContext } from "../../../event/trace-context.ts"

const NONE: Origin = { trace: null, lineage: null, replay: null }

/**
 * Returns the text in the column `trace` of an event; null if there is nothing to store. Earlier versions stored the
 * trace alone, and read this text, too.
 */
export function encodeOrigin({ trace, lineage, replay }: Partial<Origin>): string | null {
  if (!lineage && !replay) return trace ? JSON.stringify(trace) : null
  return JSON.stringify({
    ...trace,
    ...(lineage && { lineage: { ...lineage, chain: chainText(lineage.chain) } }),
    ...(replay && { replay }),
  })
}

/**
 * Returns nothing for a text that can't be read. Earlier versions stored traces without a checksum, so one can be
 * damaged.
 */
export function decodeOrigin(stored: string | null): Origin {
  if (stored === null) return NONE
  try {
    const { traceparent, tracestate, lineage, replay } = JSON.parse(stored)
    return {
      trace: readTraceContext(traceparent, tracestate),
      lineage: readLineage(lineage?.causedBy, lineage?.hops, lineage?.chain),
      replay: readReplay(replay),
    }
  } catch {
    // The event is delivered without its origin.
    return NONE
  }
}

/** Returns the text with a lineage without hops; the same text if it has none. */
export function withoutHops(stored: string | null): string | null {
  const { trace, lineage } = decodeOrigin(stored)
  return lineage === null || lineage.hops === 0
    ? stored
    : encodeOrigin({ trace, lineage: startedAgain(lineage) })
}
