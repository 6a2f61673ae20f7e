import { z } from "@hono/zod-openapi"
import { askedBy, changeLevel } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { requireOrphaned } from "../orphaned-queue.ts"
import { OrphanedQueuePath } from "../queue-description.ts"
import type { Route } from "../route.ts"

const UnboundSchema = z
  .object({
    queue: z.string(),
    unbound: z.array(z.string()).openapi({ description: "Topic patterns that were removed." }),
  })
  .openapi("UnboundQueue")

const EXAMPLE: z.infer<typeof UnboundSchema> = { queue: "audit", unbound: ["events.#"] }

export const unbindQueue = (context: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/queues/{queue}/unbind",
  scope: "admin",
  eventTypes: "unlimited-only",
  description: {
    operationId: "unbindQueue",
    summary: "Remove the bindings of an orphaned queue",
    description:
      "The queue keeps its events and receives no new ones. An event that no other queue takes is then rejected as " +
      "`unroutable`. A module that names the queue later binds it again.",
    tags: ["Queues"],
    request: { params: OrphanedQueuePath },
    responses: {
      200: jsonResponse("The queue receives no more events", UnboundSchema, EXAMPLE),
      ...problemResponses("not-found", "queue-in-use", "engine-unavailable"),
    },
  },
  async handler({ params, key, requestId }) {
    const { engine, orphans, logger } = context
    const queue = params.get("queue")
    await requireOrphaned(queue, "unbound", context)
    const { bindings } = await engine.queueAdministration.unbind(queue)
    logger[changeLevel(bindings.length, "warn")](
      { queue, bindings, ...askedBy({ key, requestId }) },
      "queue unbound",
    )
    await orphans.look()
    return jsonAnswer<z.infer<typeof UnboundSchema>>(requestId, { queue, unbound: [...bindings] })
  },
})
