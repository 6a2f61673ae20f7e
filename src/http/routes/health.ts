import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { HealthReportSchema } from "../health-report.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

const LivenessSchema = z.object({ status: z.literal("alive") })

export const health = (context: HttpContext): Route => reporting("/health", "How the service is", context)

export const readiness = (context: HttpContext): Route =>
  reporting("/health/ready", "Whether to send it traffic", context)

export const liveness = (): Route => ({
  method: "GET",
  path: "/health/live",
  scope: "open",
  eventTypes: "unaffected",
  description: {
    summary: "Whether the process answers",
    tags: ["Health"],
    responses: { 200: jsonResponse("It does", LivenessSchema) },
  },
  handler: ({ requestId }) => jsonAnswer<z.infer<typeof LivenessSchema>>(requestId, { status: "alive" }),
})

const reporting = (path: string, summary: string, { health: report }: HttpContext): Route => ({
  method: "GET",
  path,
  scope: "open",
  eventTypes: "unaffected",
  description: {
    summary,
    tags: ["Health"],
    responses: {
      200: jsonResponse("It takes events and handles them", HealthReportSchema),
      503: jsonResponse("It does not", HealthReportSchema),
    },
  },
  handler({ requestId }) {
    const current: z.infer<typeof HealthReportSchema> = report()
    const isUsable = current.status === "ready" || current.status === "degraded"
    return jsonAnswer(requestId, current, isUsable ? 200 : 503)
  },
})
