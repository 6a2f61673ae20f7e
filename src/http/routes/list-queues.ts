import { createRoute, z } from "@hono/zod-openapi"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"

const QueueSchema = z
  .object({
    routing_key: z.string(),
    durable: z.boolean(),
    auto_delete: z.boolean(),
    ttl: z.number().openapi({ description: "In milliseconds." }),
    max_length: z.number(),
    overflow: z.enum(["reject-publish", "drop-head"]),
  })
  .openapi("Queue")

const route = () =>
  createRoute({
    method: "get",
    ...needs("read"),
    path: "/api/v1/events/queues",
    summary: "The predefined queues",
    tags: ["Events"],
    responses: { 200: jsonResponse("By name", z.record(z.string(), QueueSchema)) },
  })

export function listQueues(app: HttpRoutes, { queues }: HttpContext): void {
  app.openapi(route(), (c) => {
    const byName = queues.map(({ name, bindings, ttlMs, maxLength, overflow }) => {
      const limits = { ttl: ttlMs, max_length: maxLength, overflow }
      return [
        name,
        { routing_key: bindings.join(","), durable: true, auto_delete: false, ...limits },
      ] as const
    })
    return c.json(Object.fromEntries(byName), 200)
  })
}
