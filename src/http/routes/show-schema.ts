import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { findSchema } from "../event-schemas.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkQuery } from "../parameters.ts"
import type { PathParameters } from "../path-parameters.ts"
import type { Route } from "../route.ts"

export const EventParameters = z.object({
  type: z.string().openapi({ example: "voice" }),
  name: z.string().openapi({ example: "speech_recognized" }),
})

const VersionSchema = z.strictObject({
  version: z.int().optional().openapi({ description: "Default: the highest." }),
})

export const showSchema = ({ catalog }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/schemas/{type}/{name}",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    summary: "The JSON Schema of an event's payload",
    tags: ["Schemas"],
    request: { params: EventParameters, query: VersionSchema },
    responses: {
      200: jsonResponse("The schema", z.unknown().openapi({ type: "object" })),
      ...problemResponses("not-found", "validation-failed"),
    },
  },
  handler({ params, query, requestId }) {
    const { version } = checkQuery(VersionSchema, query, { version: "json" })
    return jsonAnswer(requestId, findSchema(catalog, eventOf(params), version).schema)
  },
})

/** The event that the path of a schema names. */
export const eventOf = (params: PathParameters) => ({ type: params.get("type"), name: params.get("name") })
