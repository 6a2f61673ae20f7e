import { createRoute, z } from "@hono/zod-openapi"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { PurgeSchema, QueueParameters, SELECTION_KINDS, selectionOf } from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { checkQuery } from "../parameters.ts"

const PurgedSchema = z
  .object({
    purged: z.number().int(),
    remaining: z.number().int().openapi({ description: "Dead letters that are left." }),
  })
  .openapi("Purged")

const route = () =>
  createRoute({
    method: "delete",
    ...needs("admin"),
    path: "/api/v1/dead-letters/{queue}",
    summary: "Delete dead letters for good",
    description:
      "What is selected is in the query: HTTP gives the body of a DELETE no meaning, and what stands between may " +
      "drop it (RFC 9110, section 9.3.5). `ids` takes several with commas between, or is given again for each.",
    tags: ["Dead letters"],
    request: { params: QueueParameters, query: PurgeSchema },
    responses: {
      200: jsonResponse("They are gone", PurgedSchema),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  })

export function purgeDeadLetters(app: HttpRoutes, { engine }: HttpContext): void {
  app.openAPIRegistry.registerPath(route())
  app.delete(route().getRoutingPath(), async (c) => {
    const asked = checkQuery(PurgeSchema, c.req.url, SELECTION_KINDS)
    c.env.mayTakeLong()
    return c.json({ ...(await engine.purgeDeadLetters(c.req.param("queue"), selectionOf(asked))) })
  })
}
