import { z } from "@hono/zod-openapi"
import { counted } from "../../event/counted.ts"
import { faultsOfPayload } from "../../schema/payload-faults.ts"
import { requireType } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import { EVENT_EXAMPLE } from "../description/envelope-json-schema.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { findSchema } from "../event-schemas.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkBody } from "../parameters.ts"
import type { Route } from "../route.ts"
import { EventParameters, eventOf, schemaVersion } from "./show-schema.ts"

const PayloadSchema = z
  .strictObject({
    payload: z.unknown().openapi({ description: "Payload to validate." }),
    schema_version: schemaVersion,
  })
  .openapi("PayloadToCheck")

const EXAMPLE_PAYLOAD = { payload: EVENT_EXAMPLE.payload }

const PayloadFaultSchema = z
  .object({ pointer: z.string(), message: z.string() })
  .openapi("PayloadFault", { description: "A fault, and its place in the body as a JSON pointer." })

const VerdictSchema = z
  .object({
    is_valid: z.boolean(),
    schema_version: z.number().int(),
    errors: z.array(PayloadFaultSchema),
  })
  .openapi("PayloadVerdict")

export const validatePayload = ({ catalog, maxBodyBytes }: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/schemas/{type}/{name}/validate",
  scope: "publish",
  eventTypes: "limited",
  description: {
    operationId: "validatePayload",
    summary: "Validate a payload against its schema",
    description: "A dry run: nothing is published.",
    tags: ["Schemas"],
    request: {
      params: EventParameters,
      body: {
        required: true,
        content: { "application/json": { schema: PayloadSchema, example: EXAMPLE_PAYLOAD } },
      },
    },
    responses: {
      200: jsonResponse("Result of the validation", VerdictSchema, {
        is_valid: true,
        schema_version: 1,
        errors: [],
      }),
      ...problemResponses("not-found"),
    },
  },
  async handler({ params, body, key, requestId }) {
    requireType(key, params.get("type"))
    const asked = checkBody(PayloadSchema, await body.json(maxBodyBytes))
    const schema = findSchema(catalog, eventOf(params), asked.schema_version)
    const { faults, count } = faultsOfPayload(schema.judge, asked.payload, "/payload")
    const errors = [...faults]
    const rest = count - faults.length
    if (rest > 0) errors.push({ pointer: "/payload", message: `has ${counted(rest, "more fault")}` })
    const verdict = { is_valid: count === 0, schema_version: schema.version, errors }
    return jsonAnswer<z.infer<typeof VerdictSchema>>(requestId, verdict)
  },
})
