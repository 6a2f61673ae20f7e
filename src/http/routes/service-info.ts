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
    deduplication_window_ms: z.number().int().openapi({
      description:
        "Time for which repetitions are recognized, by their id or `Idempotency-Key`, in milliseconds. 0: they are not.",
    }),
    docs: z.string(),
    health: z.string(),
  })
  .openapi("ServiceInfo")

const EXAMPLE: z.infer<typeof ServiceInfoSchema> = {
  message: "Event Broker",
  version: "0.1.0",
  engine: "embedded",
  deduplication_window_ms: 600_000,
  docs: "docs",
  health: "health",
}

export const serviceInfo = ({ engine, keyed, version }: HttpContext): Route => ({
  method: "GET",
  path: "/",
  scope: "open",
  eventTypes: "unaffected",
  description: {
    operationId: "getServiceInfo",
    summary: "Get the version of the service",
    description:
      "Also shows the engine, and links to the documentation and the health check, relative to this address.",
    tags: ["Service"],
    responses: { 200: jsonResponse("The service", ServiceInfoSchema, EXAMPLE) },
  },
  handler: ({ requestId }) =>
    jsonAnswer<z.infer<typeof ServiceInfoSchema>>(requestId, {
      message: "Event Broker",
      version,
      engine: engine.name,
      deduplication_window_ms: keyed.windowMs,
      docs: "docs",
      health: "health",
    }),
})
