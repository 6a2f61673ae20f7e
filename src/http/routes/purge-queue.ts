import { z } from "@hono/zod-openapi"
import { askedBy, changeLevel } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkQuery } from "../parameters.ts"
import { findQueue, QueuePath } from "../queue-description.ts"
import type { Route } from "../route.ts"

const QuerySchema = z.strictObject({
  dry_run: z
    .boolean("must be true or false")
    .default(false)
    .openapi({ description: "Count the events without deleting any. Default: `false`." }),
})

const PurgedSchema = z
  .object({
    queue: z.string(),
    purged: z
      .number()
      .int()
      .openapi({ description: "Number of deleted events; in a dry run, of those that would be deleted." }),
    dry_run: z.boolean(),
  })
  .openapi("PurgedQueue")

type Purged = z.infer<typeof PurgedSchema>

const EXAMPLE: Purged = { queue: "voice_events", purged: 3, dry_run: false }

export const purgeQueue = (context: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/queues/{queue}/purge",
  scope: "admin",
  eventTypes: "unlimited-only",
  mayTakeLong: true,
  description: {
    operationId: "purgeQueue",
    summary: "Delete the events that wait in a queue",
    description:
      "Works for any queue. Keeps events that are being handled, events that wait for a retry, and dead letters. Refuses " +
      "a body with content.",
    tags: ["Queues"],
    request: { params: QueuePath, query: QuerySchema },
    responses: {
      200: jsonResponse("The events are deleted", PurgedSchema, EXAMPLE),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  },
  async handler({ params, query, key, requestId }) {
    const { engine, orphans, logger } = context
    const queue = params.get("queue")
    const { dry_run } = checkQuery(QuerySchema, query, { dry_run: "json" })
    if (dry_run) {
      const { messageCount: purged } = await findQueue(queue, context)
      return jsonAnswer<Purged>(requestId, { queue, purged, dry_run })
    }
    const { purged } = await engine.queueAdministration.purge(queue)
    logger[changeLevel(purged, "warn")]({ queue, purged, ...askedBy({ key, requestId }) }, "queue purged")
    await orphans.look()
    return jsonAnswer<Purged>(requestId, { queue, purged, dry_run })
  },
})
