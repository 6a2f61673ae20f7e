import { createRoute, z } from "@hono/zod-openapi"
import { faultsOfPayload } from "../../schema/schema-catalog.ts"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { findSchema } from "../event-schemas.ts"
import { checkBody } from "../parameters.ts"
import { EventParameters } from "./show-schema.ts"

const PayloadSchema = z.strictObject({
  payload: z.unknown().openapi({ description: "What the event would have as its payload." }),
  schema_version: z.int().optional().openapi({ description: "Default: the highest." }),
})

const VerdictSchema = z
  .object({
    is_valid: z.boolean(),
    schema_version: z.number().int(),
    errors: z.array(z.object({ pointer: z.string(), message: z.string() })),
  })
  .openapi("PayloadVerdict")

const route = () =>
  createRoute({
    method: "post",
    ...needs("publish"),
    path: "/api/v1/schemas/{type}/{name}/validate",
    summary: "Whether a payload would be taken",
    description: "A dry run: nothing is published.",
    tags: ["Schemas"],
    request: {
      params: EventParameters,
      body: { required: true, content: { "application/json": { schema: PayloadSchema } } },
    },
    responses: {
      200: jsonResponse("What the schema says of it", VerdictSchema),
      ...problemResponses(
        "malformed-json",
        "not-found",
        "payload-too-large",
        "unsupported-media-type",
        "validation-failed",
      ),
    },
  })

export function validatePayload(app: HttpRoutes, { catalog, maxBodyBytes }: HttpContext): void {
  app.openAPIRegistry.registerPath(route())
  app.post(route().getRoutingPath(), async (c) => {
    const asked = checkBody(PayloadSchema, await c.env.body.json(maxBodyBytes))
    const schema = findSchema(catalog, c.req.param(), asked.schema_version)
    const errors = faultsOfPayload(schema, asked.payload, "/payload")
    return c.json({ is_valid: errors.length === 0, schema_version: schema.version, errors })
  })
}
