import { createRoute, z } from "@hono/zod-openapi"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { findSchema } from "../event-schemas.ts"
import { checkQuery } from "../parameters.ts"

export const EventParameters = z.object({
  type: z.string().openapi({ example: "voice" }),
  name: z.string().openapi({ example: "speech_recognized" }),
})

const VersionSchema = z.strictObject({
  version: z.int().optional().openapi({ description: "Default: the highest." }),
})

const route = () =>
  createRoute({
    method: "get",
    ...needs("read"),
    path: "/api/v1/schemas/{type}/{name}",
    summary: "The JSON Schema of an event's payload",
    tags: ["Schemas"],
    request: { params: EventParameters, query: VersionSchema },
    responses: {
      200: jsonResponse("The schema", z.unknown().openapi({ type: "object" })),
      ...problemResponses("not-found", "validation-failed"),
    },
  })

export function showSchema(app: HttpRoutes, { catalog }: HttpContext): void {
  app.openAPIRegistry.registerPath(route())
  app.get(route().getRoutingPath(), (c) => {
    const { version } = checkQuery(VersionSchema, c.req.url, { version: "json" })
    return c.json(findSchema(catalog, c.req.param(), version).schema)
  })
}
