import type { LastRetries, Retry } from "./last-retries.ts"
import type { TierDeletion } from "./other-program.ts"

/** A condition that must hold at the end. */
export interface Verdict {
  readonly what: string
  readonly holds: boolean
  readonly figures: string
}

/** A line of the handlers' journal. */
export interface Done {
  readonly id: string
  readonly key: string
  readonly n: number
}

/** How long after the decision a retry may still be on its way to its tier, or out of it, in milliseconds. */
const STORED_WITHIN_MS = 1_000

/** Allowed growth of memory from the second minute, the first one after warm-up, to the last. */
const MEMORY_GROWTH = 1.2

/** With fewer minutes, the result means nothing. */
const MIN_MINUTES = 4

export function everyEventEnded(
  answered: ReadonlySet<string>,
  handled: ReadonlySet<string>,
  dead: ReadonlySet<string>,
  retries: LastRetries,
  deletions: readonly TierDeletion[],
): Verdict {
  const missing = [...answered].filter((id) => !handled.has(id) && !dead.has(id))
  const lost = missing.filter((id) => !wasDeleted(retries.of(id), deletions))
  const ids = lost.length > 0 ? `: ${lost.slice(0, 5)}` : ""
  const figures = `${answered.size} answered 201, ${lost.length} lost${ids}, ${missing.length - lost.length} deleted by another program with their tier`
  return { what: "every event is handled or a dead letter", holds: lost.length === 0, figures }
}

/** Returns true if the tier of a retry was deleted while the retry was stored or waited there. */
function wasDeleted(retry: Retry | undefined, deletions: readonly TierDeletion[]): boolean {
  if (retry === undefined) return false
  const { at, tierMs } = retry
  return deletions.some(
    (each) => each.tierMs === tierMs && at < each.to && each.from < at + tierMs + STORED_WITHIN_MS,
  )
}

export function everyForeignMessageEnded(published: ReadonlySet<string>, dead: ReadonlySet<string>): Verdict {
  const lost = published.difference(dead)
  const figures = `${published.size} published, ${lost.size} lost${lost.size > 0 ? `: ${[...lost].slice(0, 5)}` : ""}`
  return { what: "every foreign message is a dead letter", holds: lost.size === 0, figures }
}

/** Checks that the events of each key were first handled in order. */
export function keysInOrder(journal: readonly Done[]): Verdict {
  const last = new Map<string, number>()
  const seen = new Set<string>()
  const faults: string[] = []
  for (const { id, key, n } of journal) {
    if (key === "-" || seen.has(id)) continue
    seen.add(id)
    const before = last.get(key) ?? -1
    if (n < before) faults.push(`${key}: ${n} after ${before}`)
    last.set(key, Math.max(before, n))
  }
  const figures = `${seen.size} events of ${last.size} keys, ${faults.length} out of order${faults.length > 0 ? `: ${faults.slice(0, 5).join(", ")}` : ""}`
  return { what: "each key in order", holds: faults.length === 0, figures }
}

export function memoryIsFlat(peaks: readonly number[]): Verdict {
  const what = "memory is flat"
  const figures = `peaks by the minute ${peaks.join(", ")} MiB`
  const [, second = 0] = peaks
  const isLongEnough = peaks.length >= MIN_MINUTES
  return {
    what,
    holds: !isLongEnough || (peaks.at(-1) ?? 0) < MEMORY_GROWTH * second,
    figures: isLongEnough ? figures : `${figures} (too short to judge)`,
  }
}

export function asAtTheStart(what: string, before: unknown, after: unknown): Verdict {
  return {
    what,
    holds: Bun.deepEquals(before, after),
    figures: `${before} at the start, ${after} at the end`,
  }
}

export function noRequestHung(hung: number): Verdict {
  return { what: "no publish waits past its bound", holds: hung === 0, figures: `${hung} did` }
}

export function endsWhenTold(ownEnds: number): Verdict {
  return {
    what: "the service stops when it is told to",
    holds: ownEnds === 0,
    figures: `${ownEnds} times by itself`,
  }
}
