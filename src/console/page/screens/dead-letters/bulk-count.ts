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
  let unreached: string | null = null
  const report = (isComplete: boolean): void => {
    if (signal.aborted) return
    const largest = counted.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count)
    onCounts({ of: queues.length, counted: largest, faults: [...faults], isComplete })
  }
  report(false)
  await inParallel(queues, async (queue) => {
    if (signal.aborted) return
    if (unreached !== null) return void faults.push({ queue, fault: unreached })
    try {
      const { changed, at = 0 } = await CHANGES[kind](queue, selection, { isDryRun: true, signal })
      const until = Math.min(at, selection.until ?? at)
      counted.push({ queue, count: changed, at, selection: { ...selection, until } })
    } catch (error) {
      if (isAborted(error)) return
      const fault = sayError(error)
      faults.push({ queue, fault })
      if (isUnreached(error)) unreached = fault
    }
    report(false)
  })
  report(true)
}

/** Returns the number of dead letters that were counted. */
export const totalOf = (counted: readonly Counted[]): number =>
  counted.reduce((sum, { count }) => sum + count, 0)
