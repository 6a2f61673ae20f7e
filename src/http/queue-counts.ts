import type { QueueStats } from "../engine/engine.ts"
import type { UnfinishedQueue } from "../history/history-query.ts"
import { withTimeout } from "../system/with-timeout.ts"
import type { QueueCounts } from "../telemetry/state-metrics.ts"
import type { HttpContext } from "./context.ts"

export interface CountedQueue extends QueueStats {
  readonly counts: QueueCounts
}

export type CountingParts = Pick<HttpContext, "consumption" | "running" | "unfinished">

type Unfinished = ReadonlyMap<string, UnfinishedQueue>

/** How long the history may take, in milliseconds. Counts that it does not answer in time are unknown. */
const HISTORY_TIMEOUT_MS = 1_000

/**
 * Counts the events of each queue. The history fills in what the engine can't say. Call it as soon as the engine has
 * answered, because later other events run. Never rejects.
 */
export async function countEvents(
  queues: readonly QueueStats[],
  parts: CountingParts,
): Promise<readonly CountedQueue[]> {
  const counted = queues.map((queue) => countNow(queue, parts))
  const unfinished = await unfinishedOf(queues, parts)
  return counted.map((queue) => completed(queue, unfinished))
}

/** As `countEvents`, for one queue. */
export async function countEventsOf(queue: QueueStats, parts: CountingParts): Promise<CountedQueue> {
  const counted = countNow(queue, parts)
  return completed(counted, await unfinishedOf([queue], parts))
}

function countNow(queue: QueueStats, { consumption, running: workers }: CountingParts): CountedQueue {
  const { name, retryingCount, oldestWaitingMs } = queue
  const running = workers.of(name) + queue.settlingCount
  const held = consumption.heldRetries(name)
  const counts = {
    // RabbitMQ's figures can be a second old, so more events may run by now than were counted then.
    waiting: Math.max(0, queue.messageCount + queue.unsettledCount - running - held),
    running,
    retrying: retryingCount === null ? null : retryingCount + held,
    dead: queue.deadLetterCount,
    oldestWaitingAge: oldestWaitingMs === null ? null : oldestWaitingMs / 1_000,
  }
  return { ...queue, counts }
}

/** Returns null if the engine has said everything, or the history can't answer. */
async function unfinishedOf(
  queues: readonly QueueStats[],
  { unfinished }: CountingParts,
): Promise<Unfinished | null> {
  const isComplete = queues.every(
    ({ retryingCount, oldestWaitingMs }) => retryingCount !== null && oldestWaitingMs !== null,
  )
  if (unfinished === null || isComplete) return null
  try {
    const tooLate = new Error("the history did not answer in time")
    const known = await withTimeout(unfinished(), HISTORY_TIMEOUT_MS, tooLate)
    return new Map(known.map((each) => [each.queue, each]))
  } catch {
    // The history is away, as its own state says. The other counts are right without it.
    return null
  }
}

/** The history knows only queues that have unfinished deliveries. */
function completed(queue: CountedQueue, unfinished: Unfinished | null): CountedQueue {
  if (unfinished === null) return queue
  const { counts } = queue
  const { retrying = 0, oldestWaitingAt = null } = unfinished.get(queue.name) ?? {}
  // The history learns late of events that RabbitMQ itself removes, and that run elsewhere.
  const isEmpty = queue.messageCount === 0
  const age = oldestWaitingAt === null || isEmpty ? 0 : Math.max(0, Date.now() - oldestWaitingAt) / 1_000
  return {
    ...queue,
    counts: {
      ...counts,
      retrying: counts.retrying ?? retrying,
      oldestWaitingAge: counts.oldestWaitingAge ?? age,
    },
  }
}
