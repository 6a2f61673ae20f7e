import { createRoute, z } from "@hono/zod-openapi"
import { isOpen } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { HealthReportSchema } from "../health-report.ts"

const reportRoute = (path: string, summary: string) =>
  createRoute({
    method: "get",
    ...isOpen,
    path,
    summary,
    tags: ["Health"],
    responses: {
      200: jsonResponse("It takes events and handles them", HealthReportSchema),
      503: jsonResponse("It does not", HealthReportSchema),
    },
  })

const liveRoute = () =>
  createRoute({
    method: "get",
    ...isOpen,
    path: "/health/live",
    summary: "Whether the process answers",
    tags: ["Health"],
    responses: { 200: jsonResponse("It does", z.object({ status: z.literal("alive") })) },
  })

export function health(app: HttpRoutes, { health: report }: HttpContext): void {
  const answer = () => {
    const current = report()
    const isUsable = current.status === "ready" || current.status === "degraded"
    return { current, status: isUsable ? (200 as const) : (503 as const) }
  }
  app.openapi(reportRoute("/health", "How the service is"), (c) => {
    const { current, status } = answer()
    return c.json(current, status)
  })
  app.openapi(reportRoute("/health/ready", "Whether to send it traffic"), (c) => {
    const { current, status } = answer()
    return c.json(current, status)
  })
  app.openapi(liveRoute(), (c) => c.json({ status: "alive" as const }, 200))
}
