import { purgeDeadLetters, redriveDeadLetters, type Selection } from "../../api/calls.ts"
import { isAborted, isUnreached, sayError } from "../../api/problem.ts"
import { inParallel } from "./in-parallel.ts"

export type ChangeKind = "redrive" | "purge"

export const CHANGES = { redrive: redriveDeadLetters, purge: purgeDeadLetters } as const

/** Dead letters of a queue that were counted. */
export interface Counted {
  readonly queue: string
  readonly count: number
  /** When the service counted, in seconds since the epoch. */
  readonly at: number
  /** Selects them, and none that failed after the count. */
  readonly selection: Selection
}

export interface Counts {
  /** Number of queues that are counted in all. */
  readonly of: number
  /** Those that have some, the most first. */
  readonly counted: readonly Counted[]
  /** Queues that could not be counted. They are left out. */
  readonly faults: readonly { readonly queue: string; readonly fault: string }[]
  readonly isComplete: boolean
}

/** Queues in a row that were not reached, after which no other is asked. */
const MAX_UNREACHED = 2

const NOT_ASKED = "It was not asked, because the service did not answer for others."

/**
 * Counts the dead letters that a change would move or delete in each queue, and reports after each.
 * A queue that can't be counted costs only itself.
 */
export async function countLetters(
  kind: ChangeKind,
  queues: readonly string[],
  selection: Selection,
  onCounts: (counts: Counts) => void,
  signal: AbortSignal,
): Promise<void> {
  const counted: Counted[] = []
  const faults: { queue: string; fault: string }[] = []
  let unreached = 0
  const report = (isComplete: boolean): void => {
    if (signal.aborted) return
    const largest = counted.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count)
    onCounts({ of: queues.length, counted: largest, faults: [...faults], isComplete })
  }
  report(false)
  await inParallel(queues, async (queue) => {
    if (signal.aborted) return
    if (unreached >= MAX_UNREACHED) return void faults.push({ queue, fault: NOT_ASKED })
    try {
      const { changed, at = 0 } = await CHANGES[kind](queue, selection, { isDryRun: true, signal })
      unreached = 0
      const until = Math.min(at, selection.until ?? at)
      counted.push({ queue, count: changed, at, selection: { ...selection, until } })
    } catch (error) {
      if (isAborted(error)) return
      faults.push({ queue, fault: sayError(error) })
      if (isUnreached(error)) unreached++
    }
    report(false)
  })
  report(true)
}

/** Returns the number of dead letters that were counted. */
export const totalOf = (counted: readonly Counted[]): number =>
  counted.reduce((sum, { count }) => sum + count, 0)
