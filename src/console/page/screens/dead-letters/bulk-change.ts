import type { Changed } from "../../api/calls.ts"
import { isUnknownOutcome, isUnreached, sayError } from "../../api/problem.ts"
import { counted as countedText } from "../../format/numbers.ts"
import { CHANGES, type ChangeKind, type Counted } from "./bulk-count.ts"

/** Dead letters of one request: few enough that a stop takes effect soon. */
const BATCH = 200

/** How far a change of a queue is. */
export interface QueueProgress {
  readonly queue: string
  readonly count: number
  readonly changed: number
  readonly state: "waiting" | "running" | "done" | "stopped"
  /** Why not all were changed; null if all were, or if it goes on. */
  readonly reason: string | null
}

export interface BulkChange {
  readonly kind: ChangeKind
  /** Changed one queue after the other. */
  readonly counted: readonly Counted[]
  /** Most dead letters in a second, over all queues; null for as many as the service takes. */
  readonly perSecond: number | null
}

export const beginOf = ({ queue, count }: Counted): QueueProgress => ({
  queue,
  count,
  changed: 0,
  state: "waiting",
  reason: null,
})

/**
 * Moves or deletes the dead letters that were counted, in batches, queue after queue, and reports after each batch.
 * A queue whose change fails costs only itself; only if two in a row get no answer, or it is stopped, the others are left.
 */
export async function changeQueues(
  { kind, counted, perSecond }: BulkChange,
  onProgress: (index: number, progress: QueueProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  let unanswered = 0
  for (const [index, each] of counted.entries()) {
    const left = leftBecause(unanswered, signal)
    if (left !== null) {
      onProgress(index, { ...beginOf(each), state: "stopped", reason: left })
      continue
    }
    const report = (progress: QueueProgress): void => onProgress(index, progress)
    unanswered = (await changeQueue(kind, each, perSecond, report, signal)) ? 0 : unanswered + 1
  }
}

/** Queues without an answer, one after the other, after which the service counts as gone. */
const MAX_UNANSWERED = 2

function leftBecause(unanswered: number, signal: AbortSignal): string | null {
  if (signal.aborted) return "Not begun: you stopped it."
  return unanswered < MAX_UNANSWERED ? null : "Not begun: the service does not answer."
}

/** Changes one queue. Returns false if the service gave no answer. */
async function changeQueue(
  kind: ChangeKind,
  counted: Counted,
  perSecond: number | null,
  onProgress: (progress: QueueProgress) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { queue, count, selection } = counted
  const batch = perSecond === null ? BATCH : Math.min(BATCH, perSecond)
  let progress: QueueProgress = { ...beginOf(counted), state: "running" }
  const report = (change: Partial<QueueProgress>): void => {
    progress = { ...progress, ...change }
    onProgress(progress)
  }
  const stop = (reason: string): void => report({ state: "stopped", reason })
  report({})
  for (let from = 0; from < count; from += batch) {
    if (signal.aborted) {
      stop("You stopped it.")
      return true
    }
    const begunAt = performance.now()
    const size = Math.min(batch, count - from)
    try {
      const result = await CHANGES[kind](queue, selection, { limit: size, isDryRun: false })
      report({ changed: progress.changed + result.changed })
      if (result.changed < size) {
        stop(reasonOf(kind, result))
        return true
      }
    } catch (error) {
      stop(isUnknownOutcome(error) ? sayUnknown(kind, size, error) : sayError(error))
      return !isUnreached(error)
    }
    if (perSecond !== null) await pause((size / perSecond) * 1_000 - (performance.now() - begunAt), signal)
  }
  report({ state: "done" })
  return true
}

function reasonOf(kind: ChangeKind, { remaining }: Changed): string {
  if (remaining === 0) return "No dead letter is left."
  const gone = "somebody else has moved or deleted the others, or they have failed again since."
  return kind === "redrive" ? `The queue is full, or ${gone}` : `Not all are there any more: ${gone}`
}

function sayUnknown(kind: ChangeKind, size: number, error: unknown): string {
  const done = kind === "redrive" ? "moved back" : "deleted"
  const more = `Up to ${countedText(size, "more dead letter")} may be ${done}, because the last answer was lost.`
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
