import type { OnceFact, PublishedFact } from "../event/history-fact.ts"
import type { Origin } from "../event/origin.ts"

/** Returns the optional fields of a publish's fact as JSON; null if there are none. */
export function encodeDetails(
  { trace, lineage }: Partial<Origin>,
  once: OnceFact | null = null,
): string | null {
  if (!trace && !lineage && once === null) return null
  const details: Pick<PublishedFact, "trace" | "caused_by" | "once"> = {
    ...(once && { once }),
    ...(trace && { trace: trace.traceparent }),
    ...(lineage && { caused_by: lineage.causedBy }),
  }
  return JSON.stringify(details)
}
