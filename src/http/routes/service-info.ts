import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

const ServiceInfoSchema = z
  .object({
    message: z.string(),
    version: z.string(),
    engine: z.string(),
    docs: z.string(),
    health: z.string(),
  })
  .openapi("ServiceInfo")

export const serviceInfo = ({ engine, version }: HttpContext): Route => ({
  method: "GET",
  path: "/",
  scope: "open",
  eventTypes: "unaffected",
  description: {
    summary: "What this is, and where to go",
    tags: ["Service"],
    responses: { 200: jsonResponse("The service", ServiceInfoSchema) },
  },
  handler: ({ requestId }) =>
    jsonAnswer<z.infer<typeof ServiceInfoSchema>>(requestId, {
      message: "Event Broker",
      version,
      engine: engine.name,
      docs: "/docs",
      health: "/health",
    }),
})
