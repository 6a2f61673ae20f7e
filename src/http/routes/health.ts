import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { EXAMPLE_REPORT, HealthReportSchema } from "../health-report.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route, RouteDescription } from "../route.ts"

const LivenessSchema = z.object({ status: z.literal("alive") }).openapi("Liveness")

export const health = (context: HttpContext): Route =>
  reporting("/health", { operationId: "getHealth", summary: "Check the service" }, context)

export const readiness = (context: HttpContext): Route =>
  reporting(
    "/health/ready",
    { operationId: "getReadiness", summary: "Check whether to send traffic" },
    context,
  )

export const liveness = (): Route => ({
  method: "GET",
  path: "/health/live",
  scope: "open",
  eventTypes: "unaffected",
  description: {
    operationId: "getLiveness",
    summary: "Check whether the process answers",
    description: "For the liveness probe of an orchestrator.",
    tags: ["Health"],
    responses: { 200: jsonResponse("The process answers", LivenessSchema, { status: "alive" }) },
  },
  handler: ({ requestId }) => jsonAnswer<z.infer<typeof LivenessSchema>>(requestId, { status: "alive" }),
})

const reporting = (
  path: string,
  names: Pick<RouteDescription, "operationId" | "summary">,
  { health: report }: HttpContext,
): Route => ({
  method: "GET",
  path,
  scope: "open",
  eventTypes: "unaffected",
  description: {
    ...names,
    description: "Answers 200 if the service accepts events (`ready` or `degraded`), otherwise 503.",
    tags: ["Health"],
    responses: {
      200: jsonResponse("The service accepts events", HealthReportSchema, EXAMPLE_REPORT),
      503: jsonResponse("The service does not accept events", HealthReportSchema),
    },
  },
  async handler({ requestId }) {
    const current: z.infer<typeof HealthReportSchema> = await report()
    const isUsable = current.status === "ready" || current.status === "degraded"
    return jsonAnswer(requestId, current, isUsable ? 200 : 503)
  },
})
