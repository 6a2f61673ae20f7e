import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { requireOrphaned } from "../orphaned-queue.ts"
import { checkQuery } from "../parameters.ts"
import { QueuePath } from "../queue-description.ts"
import type { Route } from "../route.ts"

const QuerySchema = z.strictObject({
  force: z
    .boolean()
    .default(false)
    .openapi({ description: "Delete it with its events and dead letters. Default: `false`." }),
})

const DeletedSchema = z
  .object({
    queue: z.string(),
    events: z.number().int().openapi({ description: "Events that were deleted with it." }),
    dead_letters: z.number().int(),
  })
  .openapi("DeletedQueue")

export const deleteQueue = (context: HttpContext): Route => ({
  method: "DELETE",
  path: "/api/v1/queues/{queue}",
  scope: "admin",
  eventTypes: "unlimited-only",
  mayTakeLong: true,
  description: {
    summary: "Delete an orphaned queue",
    description:
      "Its bindings go with it: an event that no other queue takes is refused as `unroutable` from then on. A module " +
      "that names the queue later finds it empty.",
    tags: ["Queues"],
    request: { params: QueuePath, query: QuerySchema },
    responses: {
      200: jsonResponse("It is gone", DeletedSchema),
      ...problemResponses(
        "not-found",
        "queue-in-use",
        "queue-not-empty",
        "validation-failed",
        "engine-unavailable",
      ),
    },
  },
  async handler({ params, query, requestId }) {
    const { engine, orphans, logger } = context
    const queue = params.get("queue")
    const { force } = checkQuery(QuerySchema, query, { force: "json" })
    await requireOrphaned(queue, context)
    const { events, deadLetters } = await engine.queueAdministration.delete(queue, { ifEmpty: !force })
    logger.warn({ queue, events, dead_letters: deadLetters, request_id: requestId }, "queue deleted")
    await orphans.look()
    return jsonAnswer<z.infer<typeof DeletedSchema>>(requestId, { queue, events, dead_letters: deadLetters })
  },
})
