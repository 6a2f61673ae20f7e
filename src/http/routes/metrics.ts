import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { responseHeaders } from "../response-headers.ts"
import type { Route } from "../route.ts"

export const metrics = ({ metrics: counted }: HttpContext): Route => ({
  method: "GET",
  path: "/metrics",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    summary: "Metrics for Prometheus",
    tags: ["Health"],
    responses: {
      200: {
        description: "What the service counts, in Prometheus' text format",
        content: { "text/plain": { schema: z.string() } },
      },
    },
  },
  handler: async ({ requestId }) =>
    new Response(await counted.text(), { headers: responseHeaders(requestId, counted.contentType) }),
})
