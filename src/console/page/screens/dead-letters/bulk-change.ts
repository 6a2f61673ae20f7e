import { type Changed, purgeDeadLetters, redriveDeadLetters, type Selection } from "../../api/calls.ts"

/** Dead letters of one request: few enough that a stop takes effect soon, and that their ids fit into it. */
const BATCH = 200

export type ChangeKind = "redrive" | "purge"

/** Which dead letters to change: all that match, or those with these ids. */
export type Target =
  | { readonly kind: "filter"; readonly selection: Selection }
  | { readonly kind: "ids"; readonly ids: readonly string[] }

export interface Progress {
  readonly changed: number
  /** Why it ended before its end; null while it goes on, or if it is done. */
  readonly stopped: string | null
}

const CHANGES = { redrive: redriveDeadLetters, purge: purgeDeadLetters } as const

/** Counts the dead letters that a change would move or delete. */
export async function countTarget(kind: ChangeKind, queue: string, target: Target): Promise<number> {
  if (target.kind === "ids") return target.ids.length
  return (await CHANGES[kind](queue, target.selection, { isDryRun: true })).changed
}

/**
 * Moves or deletes dead letters in batches, and reports after each.
 * @param perSecond most of them in a second; null for as many as the service takes
 * @throws {Problem} if the service refuses one; those of earlier batches stay changed
 */
export async function changeInBatches(
  { kind, queue, target, count, perSecond }: BulkChange,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  const batch = perSecond === null ? BATCH : Math.min(BATCH, perSecond)
  let changed = 0
  for (let from = 0; from < count; from += batch) {
    if (signal.aborted) return onProgress({ changed, stopped: "You stopped it." })
    const begunAt = performance.now()
    const size = Math.min(batch, count - from)
    const result = await changeBatch(kind, queue, target, from, size)
    changed += result.changed
    // Others may change the same dead letters meanwhile, so a batch by ids may find fewer of them.
    const isStuck = target.kind === "filter" ? result.changed < size : result.changed === 0
    if (isStuck) return onProgress({ changed, stopped: reasonOf(kind, result) })
    onProgress({ changed, stopped: null })
    if (perSecond !== null) await pause((size / perSecond) * 1_000 - (performance.now() - begunAt), signal)
  }
}

export interface BulkChange {
  readonly kind: ChangeKind
  readonly queue: string
  readonly target: Target
  readonly count: number
  readonly perSecond: number | null
}

function changeBatch(
  kind: ChangeKind,
  queue: string,
  target: Target,
  from: number,
  size: number,
): Promise<Changed> {
  const change = CHANGES[kind]
  if (target.kind === "ids")
    return change(queue, { ids: target.ids.slice(from, from + size) }, { isDryRun: false })
  return change(queue, target.selection, { limit: size, isDryRun: false })
}

function reasonOf(kind: ChangeKind, { remaining }: Changed): string {
  if (remaining === 0) return "No dead letter is left."
  return kind === "redrive" ? "The queue is full, or the others are gone." : "The others are gone."
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
