import { createRoute, z } from "@hono/zod-openapi"
import { EVENT_TYPES } from "../../event/event-type.ts"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"

const EventSchemasSchema = z
  .object({
    type: z.enum(EVENT_TYPES),
    name: z.string(),
    versions: z.array(z.number().int()).openapi({ description: "The highest first: it counts by default." }),
  })
  .openapi("EventSchemas")

const route = () =>
  createRoute({
    method: "get",
    ...needs("read"),
    path: "/api/v1/schemas",
    summary: "The events that have a schema",
    tags: ["Schemas"],
    responses: { 200: jsonResponse("Every event with a schema", z.array(EventSchemasSchema)) },
  })

export function listSchemas(app: HttpRoutes, { catalog }: HttpContext): void {
  app.openapi(route(), (c) => {
    const byEvent = Map.groupBy(catalog?.all() ?? [], ({ type, name }) => `${type}/${name}`)
    const events = [...byEvent.values()].flatMap((schemas) => {
      const [first] = schemas
      if (first === undefined) return []
      return [{ type: first.type, name: first.name, versions: schemas.map(({ version }) => version) }]
    })
    return c.json(events, 200)
  })
}
