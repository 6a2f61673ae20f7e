import { z } from "@hono/zod-openapi"
import { askedBy } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { QueuePath } from "../queue-description.ts"
import type { Route } from "../route.ts"

const PurgedSchema = z.object({ queue: z.string(), purged: z.number().int() }).openapi("PurgedQueue")

export const purgeQueue = ({ engine, orphans, logger }: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/queues/{queue}/purge",
  scope: "admin",
  eventTypes: "unlimited-only",
  mayTakeLong: true,
  description: {
    operationId: "purgeQueue",
    summary: "Delete the events that wait in a queue",
    description:
      "Works for any queue. Events that are being handled, events that wait for a retry, and dead letters stay.",
    tags: ["Queues"],
    request: { params: QueuePath },
    responses: {
      200: jsonResponse("The events are deleted", PurgedSchema, { queue: "voice_events", purged: 3 }),
      ...problemResponses("not-found", "engine-unavailable"),
    },
  },
  async handler({ params, key, requestId }) {
    const queue = params.get("queue")
    const { purged } = await engine.queueAdministration.purge(queue)
    logger.warn({ queue, purged, ...askedBy({ key, requestId }) }, "queue purged")
    await orphans.look()
    return jsonAnswer<z.infer<typeof PurgedSchema>>(requestId, { queue, purged })
  },
})
