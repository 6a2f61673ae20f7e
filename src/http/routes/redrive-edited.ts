import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import { askedBy } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { STORED_EVENT_EXAMPLE } from "../description/envelope-json-schema.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { EditSchema, redriveEdited } from "../edit-dead-letter.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkBody } from "../parameters.ts"
import { QueuePath } from "../queue-description.ts"
import type { Route } from "../route.ts"

const RedrivenEditedSchema = z
  .object({
    id: z.string().openapi({ description: "Id of the event, which stays the same." }),
    is_repetition: z.boolean().openapi({
      description:
        "True if an earlier request with the same edit has moved it already, and this one changed nothing.",
    }),
  })
  .openapi("RedrivenEdited")

const EXAMPLE_EDIT = {
  id: STORED_EVENT_EXAMPLE.id,
  last_failed_at: 1_795_477_621.09,
  payload: STORED_EVENT_EXAMPLE.payload,
}

const EXAMPLE: z.infer<typeof RedrivenEditedSchema> = {
  id: STORED_EVENT_EXAMPLE.id,
  is_repetition: false,
}

export const redriveEditedDeadLetter = (context: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/dead-letters/{queue}/redrive-edited",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    operationId: "redriveEditedDeadLetter",
    summary: "Edit a dead letter and move it back to its queue",
    description:
      "Replaces the payload, or the metadata, of one dead letter, and moves it back to this queue only. The event keeps " +
      "its id, type, name, routing key and time, and its payload has to keep to its schema. It is stored on the queue before " +
      "it leaves the dead letters. The history keeps the edited event. If the answer is lost, send the request again: with " +
      "`last_failed_at`, it does not move an event that has failed again meanwhile, and a repetition is recognized by the " +
      "history.",
    tags: ["Dead letters"],
    request: {
      params: QueuePath,
      body: {
        required: true,
        content: { "application/json": { schema: EditSchema, example: EXAMPLE_EDIT } },
      },
    },
    responses: {
      200: jsonResponse("The dead letter is edited and moved", RedrivenEditedSchema, EXAMPLE),
      ...problemResponses(
        "not-found",
        "dead-letters-in-use",
        "engine-refused",
        "queue-full",
        "engine-unavailable",
        "confirm-timeout",
      ),
    },
  },
  async handler({ params, body, key, requestId }) {
    const { maxBodyBytes, logger } = context
    const edit = checkBody(EditSchema, await body.json(maxBodyBytes))
    const queue = params.get("queue")
    const { id } = edit
    const isMoved = await redriveEdited(context, queue, edit, reachOf(key))
    const about = { queue, event_id: id, ...askedBy({ key, requestId }) }
    if (isMoved) logger.info(about, "dead letter edited and redriven")
    return jsonAnswer<z.infer<typeof RedrivenEditedSchema>>(requestId, { id, is_repetition: !isMoved })
  },
})
