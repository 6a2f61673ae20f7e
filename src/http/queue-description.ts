import { z } from "@hono/zod-openapi"
import type { QueueStats } from "../engine/engine.ts"
import { QueuesUnreadError, UnknownQueueError } from "../engine/errors.ts"
import type { HttpContext } from "./context.ts"

/** The path parameter of routes for one queue. */
export const QueuePath = z.object({
  queue: z.string().openapi({ description: "Name of the queue.", example: "voice_events" }),
})

/** The path parameter of routes for a queue without a module. */
export const OrphanedQueuePath = z.object({
  queue: z.string().openapi({ description: "Name of the queue.", example: "audit" }),
})

/** A queue as `/api/v1/queues` shows it. */
export const QueueStateSchema = z
  .object({
    name: z.string(),
    bindings: z.array(z.string()).openapi({ description: "Topic patterns." }),
    waiting: z.number().int().openapi({ description: "Events that wait to be delivered." }),
    running: z.number().int().openapi({
      description:
        "Events that workers of this instance run now. The events of a batch count until the batch ends.",
    }),
    dead_letters: z.number().int().openapi({ description: "Dead letters of the queue." }),
    consumers: z.number().int().openapi({ description: "Consumers of all instances." }),
    max_length: z.number().int().openapi({ description: "Number of events that may wait." }),
    overflow: z.enum(["reject-publish", "drop-head"]).openapi({
      description:
        "Rule of a full queue: `reject-publish` rejects new events, `drop-head` makes the oldest a dead letter.",
    }),
    has_module: z
      .boolean()
      .openapi({ description: "True if a handler module of this instance names the queue." }),
    is_paused: z.boolean().openapi({ description: "True if this instance has paused the queue." }),
    is_busy: z.boolean().openapi({
      description:
        "True if this instance has as many events of the queue as its workers take at a time: further ones wait until " +
        "one of them ends.",
    }),
    is_orphaned: z.boolean().openapi({
      description:
        "True if nothing consumes the queue, no handler module of this instance names it, and it is not predefined.",
    }),
  })
  .openapi("QueueState")

export const EXAMPLE_QUEUE: QueueState = {
  name: "voice_events",
  bindings: ["events.voice.#"],
  waiting: 0,
  running: 2,
  dead_letters: 1,
  consumers: 1,
  max_length: 10_000,
  overflow: "reject-publish",
  has_module: true,
  is_paused: false,
  is_busy: false,
  is_orphaned: false,
}

export type QueueState = z.infer<typeof QueueStateSchema>

/** Describes a queue as this instance sees it. */
export function describeQueue(stats: QueueStats, { consumption, running, orphans }: HttpContext): QueueState {
  const isPaused = consumption.isPaused(stats.name)
  return {
    name: stats.name,
    bindings: [...stats.bindings],
    waiting: stats.messageCount,
    running: running.of(stats.name),
    dead_letters: stats.deadLetterCount,
    consumers: stats.consumerCount,
    max_length: stats.maxLength,
    overflow: stats.overflow,
    has_module: isPaused !== null,
    is_paused: isPaused ?? false,
    is_busy: consumption.isBusy(stats.name),
    is_orphaned: orphans.isOrphaned(stats),
  }
}

/**
 * Finds a queue by its name.
 * @throws {UnknownQueueError | QueuesUnreadError | EngineUnavailableError}
 */
export async function findQueue(name: string, { engine }: HttpContext): Promise<QueueStats> {
  const named = (stats: readonly QueueStats[]) => stats.find((each) => each.name === name)
  const known = named(await engine.queueStats())
  if (known !== undefined) return known
  if ((await engine.queueAdministration.knowledge()) === "unread") throw new QueuesUnreadError(name)
  const stats = await engine.queueStats()
  const found = named(stats)
  if (found !== undefined) return found
  throw new UnknownQueueError(
    name,
    stats.map((each) => each.name),
  )
}
