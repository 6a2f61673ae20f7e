import { createRoute, z } from "@hono/zod-openapi"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { QueueParameters, RedriveSchema, selectionOf } from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { checkBody } from "../parameters.ts"

const RedrivenSchema = z
  .object({
    redriven: z.number().int().openapi({ description: "How many were moved; of a dry run, would be." }),
    remaining: z
      .number()
      .int()
      .openapi({ description: "Dead letters that are left; of a dry run, would be." }),
    dry_run: z.boolean(),
  })
  .openapi("Redriven")

const route = () =>
  createRoute({
    method: "post",
    ...needs("admin"),
    path: "/api/v1/dead-letters/{queue}/redrive",
    summary: "Move dead letters back to their queue",
    description:
      "The oldest first, as events that were never tried, to this queue alone. Each is stored there before it " +
      "leaves the dead letters. Where the queue is full it stops, and `remaining` says how many are left.",
    tags: ["Dead letters"],
    request: {
      params: QueueParameters,
      body: { required: true, content: { "application/json": { schema: RedriveSchema } } },
    },
    responses: {
      200: jsonResponse("They are moved", RedrivenSchema),
      ...problemResponses(
        "malformed-json",
        "not-found",
        "payload-too-large",
        "unsupported-media-type",
        "validation-failed",
        "engine-unavailable",
        "confirm-timeout",
      ),
    },
  })

export function redriveDeadLetters(app: HttpRoutes, { engine, maxBodyBytes }: HttpContext): void {
  app.openAPIRegistry.registerPath(route())
  app.post(route().getRoutingPath(), async (c) => {
    const asked = checkBody(RedriveSchema, await c.env.body.json(maxBodyBytes))
    c.env.mayTakeLong()
    const dryRun = asked.dry_run
    const result = await engine.redrive(c.req.param("queue"), selectionOf(asked), { dryRun })
    return c.json({ ...result, dry_run: dryRun })
  })
}
