import { z } from "@hono/zod-openapi"
import { askedBy } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { requireOrphaned } from "../orphaned-queue.ts"
import { checkQuery } from "../parameters.ts"
import { OrphanedQueuePath } from "../queue-description.ts"
import type { Route } from "../route.ts"

const QuerySchema = z.strictObject({
  force: z
    .boolean("must be true or false")
    .default(false)
    .openapi({ description: "Delete the queue even if it has events or dead letters. Default: `false`." }),
})

const DeletedSchema = z
  .object({
    queue: z.string(),
    events: z.number().int().openapi({ description: "Number of events that were deleted." }),
    dead_letters: z.number().int().openapi({ description: "Number of dead letters that were deleted." }),
  })
  .openapi("DeletedQueue")

const EXAMPLE: z.infer<typeof DeletedSchema> = { queue: "audit", events: 0, dead_letters: 0 }

export const deleteQueue = (context: HttpContext): Route => ({
  method: "DELETE",
  path: "/api/v1/queues/{queue}",
  scope: "admin",
  eventTypes: "unlimited-only",
  mayTakeLong: true,
  description: {
    operationId: "deleteQueue",
    summary: "Delete an orphaned queue",
    description:
      "Deletes its bindings, too: an event that no other queue takes is then rejected as `unroutable`. A module that " +
      "names the queue later finds it empty.",
    tags: ["Queues"],
    request: { params: OrphanedQueuePath, query: QuerySchema },
    responses: {
      200: jsonResponse("The queue is deleted", DeletedSchema, EXAMPLE),
      ...problemResponses(
        "not-found",
        "queue-in-use",
        "queue-not-empty",
        "validation-failed",
        "engine-unavailable",
      ),
    },
  },
  async handler({ params, query, key, requestId }) {
    const { engine, orphans, logger } = context
    const queue = params.get("queue")
    const { force } = checkQuery(QuerySchema, query, { force: "json" })
    await requireOrphaned(queue, "deleted", context)
    const { events, deadLetters } = await engine.queueAdministration.delete(queue, { ifEmpty: !force })
    logger.warn({ queue, events, dead_letters: deadLetters, ...askedBy({ key, requestId }) }, "queue deleted")
    await orphans.look()
    return jsonAnswer<z.infer<typeof DeletedSchema>>(requestId, { queue, events, dead_letters: deadLetters })
  },
})
