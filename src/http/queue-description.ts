import { z } from "@hono/zod-openapi"
import type { QueueStats } from "../engine/engine.ts"
import { QueuesUnreadError, UnknownQueueError } from "../engine/errors.ts"
import type { HttpContext } from "./context.ts"
import type { CountedQueue } from "./queue-counts.ts"

/** The path parameter of routes for one queue. */
export const QueuePath = z.object({
  queue: z.string().openapi({ description: "Name of the queue.", example: "voice_events" }),
})

/** The path parameter of routes for a queue without a module. */
export const OrphanedQueuePath = z.object({
  queue: z.string().openapi({ description: "Name of the queue.", example: "audit" }),
})

/** Descriptions of the counts. Each event of a queue is in one of them, or among its dead letters. */
export const WAITING =
  "Events in the queue, and events that this instance has taken and that no worker runs yet, for example because they wait " +
  "for another of their ordering key."
export const QUEUED = "Events in the queue: nothing has taken them. `max_length` limits these."
export const RUNNING =
  "Events that workers of this instance have, or whose outcome is not stored yet. On RabbitMQ, events that other instances " +
  "have taken are in the counts of those instances only."
export const RETRYING =
  "Events that wait for their next attempt, as far as it is known: on RabbitMQ the history counts those of all instances. " +
  "Null if nothing counts them."
export const OLDEST_WAITING_AGE =
  "How long the oldest event of the queue has waited in it, in seconds. A retry and a redrive begin anew. 0 if none waits, " +
  "null if that is unknown."

/** A queue as `/api/v1/queues` shows it. */
export const QueueStateSchema = z
  .object({
    name: z.string(),
    bindings: z.array(z.string()).openapi({ description: "Topic patterns." }),
    waiting: z.number().int().openapi({ description: WAITING }),
    queued: z.number().int().openapi({ description: QUEUED }),
    running: z.number().int().openapi({ description: RUNNING }),
    retrying: z.number().int().nullable().openapi({ description: RETRYING }),
    oldest_waiting_age: z.number().nullable().openapi({ description: OLDEST_WAITING_AGE }),
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
  queued: 0,
  running: 2,
  retrying: 1,
  oldest_waiting_age: 0,
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
export function describeQueue(stats: CountedQueue, { consumption, orphans }: HttpContext): QueueState {
  const { waiting, running, retrying, dead, oldestWaitingAge } = stats.counts
  return {
    name: stats.name,
    bindings: [...stats.bindings],
    waiting,
    queued: stats.messageCount,
    running,
    retrying,
    oldest_waiting_age: oldestWaitingAge,
    dead_letters: dead,
    consumers: stats.consumerCount,
    max_length: stats.maxLength,
    overflow: stats.overflow,
    has_module: consumption.hasModule(stats.name),
    is_paused: consumption.isPaused(stats.name) ?? false,
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
