import type { QueueStats } from "../engine/engine.ts"
import { counted } from "../event/counted.ts"
import type { HttpContext } from "./context.ts"
import { ProblemError } from "./problem.ts"
import { findQueue } from "./queue-description.ts"

/**
 * Finds a queue that nothing uses. A queue that is predefined, consumed or named by a handler module would be
 * declared again at once.
 * @throws {ProblemError} `queue-in-use`, with what uses it.
 * @throws {UnknownQueueError | EngineUnavailableError}
 */
export async function requireOrphaned(
  name: string,
  change: "deleted" | "unbound",
  context: HttpContext,
): Promise<QueueStats> {
  const stats = await findQueue(name, context)
  if (context.orphans.isOrphaned(stats)) return stats
  throw new ProblemError(
    "queue-in-use",
    `${whyInUse(stats, context)} Only an orphaned queue can be ${change}.`,
  )
}

function whyInUse(
  { name, consumerCount, isHeldElsewhere }: QueueStats,
  { consumption, queues }: HttpContext,
): string {
  if (queues.some((each) => each.name === name)) return `The queue ${name} is predefined.`
  if (!consumption.hasModule(name) && consumption.isPaused(name)) {
    return `The queue ${name} is paused on this instance: resume it first.`
  }
  if (consumption.hasModule(name)) return `A handler module of this instance names the queue ${name}.`
  if (isHeldElsewhere) return `Another instance has paused the queue ${name}.`
  return `The queue ${name} has ${counted(consumerCount, "consumer")} in other instances or programs.`
}
