import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { countEvents } from "../queue-counts.ts"
import { OLDEST_WAITING_AGE, QUEUED, RETRYING, RUNNING, WAITING } from "../queue-description.ts"
import type { Route } from "../route.ts"

const QueueStatsSchema = z
  .object({
    queue_name: z.string(),
    message_count: z.number().int().openapi({ description: QUEUED }),
    waiting_count: z.number().int().openapi({ description: WAITING }),
    running_count: z.number().int().openapi({ description: RUNNING }),
    retrying_count: z.number().int().nullable().openapi({ description: RETRYING }),
    oldest_waiting_age: z.number().nullable().openapi({ description: OLDEST_WAITING_AGE }),
    consumer_count: z.number().int(),
    routing_key: z.string().openapi({ description: "Topic patterns, separated by commas." }),
    is_durable: z.boolean(),
    dead_letter_count: z.number().int(),
    is_paused: z.boolean().openapi({ description: "True if this instance has paused the queue." }),
    is_orphaned: z.boolean().openapi({
      description:
        "True if nothing consumes the queue, no handler module of this instance names it, and it is not predefined.",
    }),
  })
  .openapi("QueueStats")

const EXAMPLE: z.infer<typeof QueueStatsSchema> = {
  queue_name: "voice_events",
  message_count: 0,
  waiting_count: 0,
  running_count: 2,
  retrying_count: 1,
  oldest_waiting_age: 0,
  consumer_count: 1,
  routing_key: "events.voice.#",
  is_durable: true,
  dead_letter_count: 1,
  is_paused: false,
  is_orphaned: false,
}

export const queueStats = (context: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/events/stats",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "listQueueStats",
    summary: "List the depth of every queue",
    description:
      "`waiting_count`, `running_count`, `retrying_count` and `dead_letter_count` count every event of a queue, each once. On " +
      "RabbitMQ, events that other instances have taken are missing. `GET /api/v1/queues` shows more of each queue.",
    tags: ["Events"],
    responses: {
      200: jsonResponse("All queues", z.array(QueueStatsSchema), [EXAMPLE]),
      ...problemResponses("engine-unavailable"),
    },
  },
  async handler({ requestId }) {
    const { engine, consumption, orphans } = context
    const stats = await countEvents(await engine.queueStats(), context)
    return jsonAnswer<readonly z.infer<typeof QueueStatsSchema>[]>(
      requestId,
      stats.map((queue) => ({
        queue_name: queue.name,
        message_count: queue.messageCount,
        waiting_count: queue.counts.waiting,
        running_count: queue.counts.running,
        retrying_count: queue.counts.retrying,
        oldest_waiting_age: queue.counts.oldestWaitingAge,
        consumer_count: queue.consumerCount,
        routing_key: queue.bindings.join(","),
        is_durable: true,
        dead_letter_count: queue.counts.dead,
        is_paused: consumption.isPaused(queue.name) ?? false,
        is_orphaned: orphans.isOrphaned(queue),
      })),
    )
  },
})
