import { z } from "@hono/zod-openapi"
import { EVENT_TYPES } from "../../event/event-type.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

const EventSchemasSchema = z
  .object({
    type: z.enum(EVENT_TYPES),
    name: z.string(),
    versions: z
      .array(z.number().int())
      .openapi({ description: "Versions, the highest first. The highest is the default." }),
  })
  .openapi("EventSchemas")

export const listSchemas = ({ catalog }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/schemas",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "listSchemas",
    summary: "List the events that have a schema",
    description: "Schemas are files in `SCHEMAS_DIR`. Without them the list is empty.",
    tags: ["Schemas"],
    responses: {
      200: jsonResponse("Events that have a schema", z.array(EventSchemasSchema), [
        { type: "voice", name: "speech_recognized", versions: [1] },
      ]),
    },
  },
  handler({ requestId }) {
    const byEvent = Map.groupBy(catalog?.all() ?? [], ({ type, name }) => `${type}/${name}`)
    const events = [...byEvent.values()].flatMap((schemas) => {
      const [first] = schemas
      if (first === undefined) return []
      return [{ type: first.type, name: first.name, versions: schemas.map(({ version }) => version) }]
    })
    return jsonAnswer<readonly z.infer<typeof EventSchemasSchema>[]>(requestId, events)
  },
})
