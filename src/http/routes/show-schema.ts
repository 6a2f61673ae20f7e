import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { findSchema } from "../event-schemas.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkQuery } from "../parameters.ts"
import type { PathParameters } from "../path-parameters.ts"
import type { Route } from "../route.ts"

export const EventParameters = z.object({
  type: z.string().openapi({ description: "Type of the event.", example: "voice" }),
  name: z.string().openapi({ description: "Name of the event.", example: "speech_recognized" }),
})

const JsonSchema = z
  .unknown()
  .openapi("JsonSchema", { type: "object", additionalProperties: true, description: "A JSON Schema." })

const EXAMPLE = { type: "object", properties: { text: { type: "string" } }, required: ["text"] }

/** A version of a schema, in a query or a body. */
export const schemaVersion = z
  .int("must be a whole number")
  .optional()
  .openapi({ description: "Version of the schema. Default: the highest." })

const VersionSchema = z.strictObject({ version: schemaVersion })

export const showSchema = ({ catalog }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/schemas/{type}/{name}",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "getSchema",
    summary: "Get the JSON Schema of an event's payload",
    description: "Schemas are files in `SCHEMAS_DIR`. A relative `$ref` is resolved against that file.",
    tags: ["Schemas"],
    request: { params: EventParameters, query: VersionSchema },
    responses: {
      200: jsonResponse("The schema", JsonSchema, EXAMPLE),
      ...problemResponses("not-found", "validation-failed"),
    },
  },
  handler({ params, query, requestId }) {
    const { version } = checkQuery(VersionSchema, query, { version: "json" })
    return jsonAnswer(requestId, findSchema(catalog, eventOf(params), version).schema)
  },
})

/** Returns the event that the path of a schema names. */
export const eventOf = (params: PathParameters) => ({ type: params.get("type"), name: params.get("name") })
