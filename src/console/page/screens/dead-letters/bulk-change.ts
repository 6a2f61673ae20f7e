import { type Changed, purgeDeadLetters, redriveDeadLetters, type Selection } from "../../api/calls.ts"
import { isUnknownOutcome, sayError } from "../../api/problem.ts"
import { counted } from "../../format/numbers.ts"

/** Dead letters of one request: few enough that a stop takes effect soon. */
const BATCH = 200

export type ChangeKind = "redrive" | "purge"

/** Dead letters that were counted. */
export interface Counted {
  readonly count: number
  /** Selects them, and none that failed after the count. */
  readonly selection: Selection
}

export interface Progress {
  readonly changed: number
  /** Why it ended before its end; null while it goes on, or if it is done. */
  readonly stopped: string | null
}

const CHANGES = { redrive: redriveDeadLetters, purge: purgeDeadLetters } as const

/** Counts the dead letters that a change would move or delete. */
export async function countLetters(kind: ChangeKind, queue: string, selection: Selection): Promise<Counted> {
  const { changed, at = 0 } = await CHANGES[kind](queue, selection, { isDryRun: true })
  return { count: changed, selection: { ...selection, until: Math.min(at, selection.until ?? at) } }
}

export interface BulkChange {
  readonly kind: ChangeKind
  readonly queue: string
  readonly counted: Counted
  /** Most of them in a second; null for as many as the service takes. */
  readonly perSecond: number | null
}

/**
 * Moves or deletes the dead letters that were counted, in batches, and reports after each.
 * @throws {Problem} if the service refuses one; those of earlier batches stay changed
 */
export async function changeInBatches(
  { kind, queue, counted: { count, selection }, perSecond }: BulkChange,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  const batch = perSecond === null ? BATCH : Math.min(BATCH, perSecond)
  let changed = 0
  for (let from = 0; from < count; from += batch) {
    if (signal.aborted) return onProgress({ changed, stopped: "You stopped it." })
    const begunAt = performance.now()
    const size = Math.min(batch, count - from)
    try {
      const result = await CHANGES[kind](queue, selection, { limit: size, isDryRun: false })
      changed += result.changed
      if (result.changed < size) return onProgress({ changed, stopped: reasonOf(kind, result) })
    } catch (error) {
      if (!isUnknownOutcome(error)) throw error
      return onProgress({ changed, stopped: sayUnknown(kind, size, error) })
    }
    onProgress({ changed, stopped: null })
    if (perSecond !== null) await pause((size / perSecond) * 1_000 - (performance.now() - begunAt), signal)
  }
}

function reasonOf(kind: ChangeKind, { remaining }: Changed): string {
  if (remaining === 0) return "No dead letter is left."
  const gone = "Somebody else has moved or deleted the others, or they have failed again since."
  return kind === "redrive" ? `The queue is full, or: ${gone}` : gone
}

function sayUnknown(kind: ChangeKind, size: number, error: unknown): string {
  const done = kind === "redrive" ? "moved back" : "deleted"
  const more = `Up to ${counted(size, "more dead letter")} may be ${done}, because the last answer was lost.`
  return `${more} Close this and ask again to see what is left. ${sayError(error)}`
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (ms <= 0 || signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener("abort", () => {
      clearTimeout(timer)
      resolve()
    })
  })
