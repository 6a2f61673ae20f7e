import { createRoute, z } from "@hono/zod-openapi"
import { isOpen } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"

const ServiceInfoSchema = z
  .object({
    message: z.string(),
    version: z.string(),
    engine: z.string(),
    docs: z.string(),
    health: z.string(),
  })
  .openapi("ServiceInfo")

const route = () =>
  createRoute({
    method: "get",
    ...isOpen,
    path: "/",
    summary: "What this is, and where to go",
    tags: ["Service"],
    responses: { 200: jsonResponse("The service", ServiceInfoSchema) },
  })

export function serviceInfo(app: HttpRoutes, { engine, version }: HttpContext): void {
  app.openapi(route(), (c) =>
    c.json({ message: "Event Broker", version, engine: engine.name, docs: "/docs", health: "/health" }, 200),
  )
}
