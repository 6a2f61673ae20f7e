import { createRoute, z } from "@hono/zod-openapi"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"

const QueueStatsSchema = z
  .object({
    queue_name: z.string(),
    message_count: z.number().int().openapi({ description: "Events that wait to be delivered." }),
    consumer_count: z.number().int(),
    routing_key: z.string(),
    is_durable: z.boolean(),
    dead_letter_count: z.number().int(),
    is_paused: z.boolean().openapi({ description: "Whether this instance was told not to consume it." }),
  })
  .openapi("QueueStats")

const route = () =>
  createRoute({
    method: "get",
    ...needs("read"),
    path: "/api/v1/events/stats",
    summary: "The depth of every queue",
    tags: ["Events"],
    responses: { 200: jsonResponse("Every queue", z.array(QueueStatsSchema)) },
  })

export function queueStats(app: HttpRoutes, { engine, consumption }: HttpContext): void {
  app.openapi(route(), async (c) => {
    const stats = await engine.queueStats()
    return c.json(
      stats.map(({ name, bindings, messageCount, consumerCount, deadLetterCount }) => ({
        queue_name: name,
        message_count: messageCount,
        consumer_count: consumerCount,
        routing_key: bindings.join(","),
        is_durable: true,
        dead_letter_count: deadLetterCount,
        is_paused: consumption.isPaused(name) ?? false,
      })),
      200,
    )
  })
}
