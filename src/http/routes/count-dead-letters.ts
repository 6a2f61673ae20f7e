import { createRoute, z } from "@hono/zod-openapi"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"

const CountsSchema = z
  .object({ queues: z.array(z.object({ queue_name: z.string(), dead_letter_count: z.number().int() })) })
  .openapi("DeadLetterCounts")

const route = () =>
  createRoute({
    method: "get",
    ...needs("admin"),
    path: "/api/v1/dead-letters",
    summary: "How many dead letters every queue has",
    tags: ["Dead letters"],
    responses: {
      200: jsonResponse("Every queue", CountsSchema),
      ...problemResponses("engine-unavailable"),
    },
  })

export function countDeadLetters(app: HttpRoutes, { engine }: HttpContext): void {
  app.openAPIRegistry.registerPath(route())
  app.get(route().getRoutingPath(), async (c) => {
    const stats = await engine.queueStats()
    const queues = stats.map(({ name, deadLetterCount }) => ({
      queue_name: name,
      dead_letter_count: deadLetterCount,
    }))
    return c.json({ queues })
  })
}
