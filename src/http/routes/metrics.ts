import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { responseHeaders } from "../response-headers.ts"
import type { Route } from "../route.ts"

export const metrics = ({ metrics: counted }: HttpContext): Route => ({
  method: "GET",
  path: "/metrics",
  scope: "read",
  ignoresQuery: true,
  eventTypes: "unaffected",
  description: {
    operationId: "getMetrics",
    summary: "Get metrics for Prometheus",
    description: "In Prometheus' text format.",
    tags: ["Health"],
    responses: {
      200: {
        description: "The metrics",
        content: { "text/plain": { schema: z.string() } },
      },
    },
  },
  handler: async ({ requestId }) =>
    new Response(await counted.text(), { headers: responseHeaders(requestId, counted.contentType) }),
})
