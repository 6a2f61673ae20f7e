import { z } from "@hono/zod-openapi"
import { EVENT_TYPES } from "../../event/event-type.ts"
import { jsonResponse } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

const TypesSchema = z.array(z.enum(EVENT_TYPES))

export const listTypes = (): Route => ({
  method: "GET",
  path: "/api/v1/events/types",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "listEventTypes",
    summary: "List the types of event",
    description:
      "There are five. The type of an event sets its default routing key, and with it its predefined queue.",
    tags: ["Events"],
    responses: { 200: jsonResponse("The five types", TypesSchema, [...EVENT_TYPES]) },
  },
  handler: ({ requestId }) => jsonAnswer<z.infer<typeof TypesSchema>>(requestId, [...EVENT_TYPES]),
})
