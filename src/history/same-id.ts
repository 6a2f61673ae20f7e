import { STATE } from "./delivery-state.ts"
import type { OfDelivery, ReadAttempt, ReadDeadLettered, ReadPurged, ReadReturn } from "./fact-line.ts"
import { isPurgedWith } from "./purge.ts"

/** A fact of one of the events with an id that a queue has. */
export type FactOfOne =
  | ReadAttempt
  | ReadDeadLettered
  | ReadReturn
  | (Pick<ReadPurged, "fact" | "from"> & Pick<OfDelivery, "id">)

/** How far one of them is. */
interface Known {
  /** When it was published. */
  readonly at: number
  readonly state: number
  /** The latest attempt; 0 before the first. */
  readonly attempt: number
}

/**
 * Returns the event that a fact tells of, of several with one id on one queue, the oldest first: facts name only the id. An
 * event has its timestamp before its publication is recorded, so most facts exclude those that were published earlier. Of
 * the others, it is the oldest that the fact can follow, because a queue hands out the oldest first.
 */
export function eventOfFact<Event extends Known>(
  fact: FactOfOne,
  events: readonly Event[],
): Event | undefined {
  const publishedAt = "publishedAt" in fact ? fact.publishedAt : null
  const later = publishedAt === null ? [] : events.filter(({ at }) => at >= publishedAt)
  const possible = later.length === 0 ? events : later
  return chosen(fact, (can) => possible.find(can)) ?? later[0] ?? events.at(-1)
}

function chosen<Event>(
  fact: FactOfOne,
  oldest: (can: (known: Known) => boolean) => Event | undefined,
): Event | undefined {
  switch (fact.fact) {
    case "attempt":
      return (
        oldest((known) => isUnfinished(known) && known.attempt === fact.attempt - 1) ??
        // A run that the end of a process cut short counts, and is told by no fact.
        oldest((known) => isUnfinished(known) && known.attempt < fact.attempt)
      )
    case "dead-lettered":
      return oldest(isUnfinished)
    case "redriven":
      return oldest(({ state }) => isPurgedWith("dead-letters", state))
    case "replayed":
      return undefined
    case "purged":
      return oldest(({ state }) => isPurgedWith(fact.from, state))
  }
}

const isUnfinished = ({ state }: Known): boolean => state < STATE.handled
