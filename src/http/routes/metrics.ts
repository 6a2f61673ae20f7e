import { createRoute, z } from "@hono/zod-openapi"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"

const route = () =>
  createRoute({
    method: "get",
    ...needs("read"),
    path: "/metrics",
    summary: "Metrics for Prometheus",
    tags: ["Health"],
    responses: {
      200: {
        description: "What the service counts, in Prometheus' text format",
        content: { "text/plain": { schema: z.string() } },
      },
    },
  })

export function metrics(app: HttpRoutes, { metrics: counted }: HttpContext): void {
  app.openapi(route(), async (c) =>
    c.text(await counted.text(), 200, { "Content-Type": counted.contentType }),
  )
}
