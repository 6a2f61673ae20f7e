import { createRoute, z } from "@hono/zod-openapi"
import { EVENT_TYPES } from "../../event/event-type.ts"
import { needs } from "../access/scope.ts"
import type { HttpRoutes } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"

const route = () =>
  createRoute({
    method: "get",
    ...needs("read"),
    path: "/api/v1/events/types",
    summary: "The types of event",
    tags: ["Events"],
    responses: { 200: jsonResponse("The five types", z.array(z.enum(EVENT_TYPES))) },
  })

export function listTypes(app: HttpRoutes): void {
  app.openapi(route(), (c) => c.json([...EVENT_TYPES], 200))
}
