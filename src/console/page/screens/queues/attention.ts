import type { Queue } from "../../api/answers.ts"
import { counted, percent, whole } from "../../format/numbers.ts"
import { lengthOf } from "../../format/time.ts"
import type { Tone } from "../../parts/badge.tsx"

/** Share of its limit from which a queue needs attention. */
const NEARLY_FULL = 0.8

/** Returns how many events count for the limit of a queue. */
export const queuedIn = ({ queued, waiting }: Queue): number => queued ?? waiting

/** Age of the oldest waiting event from which a queue that is consumed needs attention, in seconds. */
const MAX_WAIT_SECONDS = 60

/** Kinds of what can be wrong, with their names in a list. */
export const CONCERNS = {
  full: "Nearly full",
  orphaned: "Orphaned",
  "no-consumer": "No consumer",
  "no-module": "No module",
  paused: "Paused",
  behind: "Behind",
} as const

export type ConcernKind = keyof typeof CONCERNS

/** Something that is wrong with a queue. */
export interface Concern {
  readonly kind: ConcernKind
  readonly badge: string
  readonly tone: Tone
  /** Explains it in a sentence. */
  readonly meaning: string
}

/** Returns what is wrong with a queue, the worst first; nothing if all is well. */
export function concernsOf(queue: Queue): readonly Concern[] {
  const concerns: Concern[] = []
  const { waiting, max_length: limit } = queue
  const queued = queuedIn(queue)
  if (queued >= limit * NEARLY_FULL) {
    const rule = queue.overflow === "reject-publish" ? "rejects new events" : "drops its oldest events"
    concerns.push({
      kind: "full",
      badge: queued >= limit ? "full" : `${percent(queued, limit)} full`,
      tone: "bad",
      meaning: `${whole(queued)} of ${counted(limit, "event")} wait. A full queue ${rule}.`,
    })
  }
  if (queue.is_orphaned) {
    concerns.push({
      kind: "orphaned",
      badge: "orphaned",
      tone: "bad",
      meaning: "Its handler module is gone, and it still receives events. They wait until a module names it.",
    })
  } else if (queue.has_module && queue.consumers === 0 && !queue.is_paused) {
    concerns.push({
      kind: "no-consumer",
      badge: "no consumer",
      tone: "bad",
      meaning: "A module names it, but nothing consumes it.",
    })
  } else if (!queue.has_module && queue.consumers === 0 && waiting > 0) {
    concerns.push({
      kind: "no-module",
      badge: "no module",
      tone: "warning",
      meaning: `${counted(waiting, "event")} ${waiting === 1 ? "waits" : "wait"}, and no handler module of this instance names the queue.`,
    })
  }
  if (queue.is_paused) {
    concerns.push({
      kind: "paused",
      badge: "paused",
      tone: "warning",
      meaning: "This instance does not consume it until you resume it.",
    })
  }
  const age = queue.oldest_waiting_age ?? 0
  if (queue.consumers > 0 && !queue.is_paused && age >= MAX_WAIT_SECONDS) {
    concerns.push({
      kind: "behind",
      badge: "behind",
      tone: "warning",
      meaning: `${counted(waiting, "event")} ${waiting === 1 ? "waits" : "wait"}, the oldest for ${lengthOf(age)}, although the queue is consumed: its handlers are slow, or one of them hangs.`,
    })
  }
  return concerns
}

const WEIGHT: Readonly<Record<Tone, number>> = { bad: 1_000, warning: 100, good: 0, neutral: 0 }

/** Returns how much a queue needs attention: 0 for one that does not. */
export function urgencyOf(queue: Queue): number {
  const concerns = concernsOf(queue).reduce((sum, { tone }) => sum + WEIGHT[tone], 0)
  // Of queues with the same concerns, the one with the most dead letters comes first.
  const { dead_letters: dead } = queue
  return concerns + (dead > 0 ? 10 + dead / (dead + 1) : 0)
}
