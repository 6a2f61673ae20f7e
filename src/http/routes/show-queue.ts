import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { countEventsOf } from "../queue-counts.ts"
import {
  describeQueue,
  EXAMPLE_QUEUE,
  findQueue,
  QueuePath,
  type QueueState,
  QueueStateSchema,
} from "../queue-description.ts"
import type { Route } from "../route.ts"

export const showQueue = (context: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/queues/{queue}",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "getQueue",
    summary: "Get a queue",
    description:
      "Shows how many events wait, run and retry, how many consumers there are, and whether the queue is orphaned.",
    tags: ["Queues"],
    request: { params: QueuePath },
    responses: {
      200: jsonResponse("The queue", QueueStateSchema, EXAMPLE_QUEUE),
      ...problemResponses("not-found", "engine-unavailable"),
    },
  },
  async handler({ params, requestId }) {
    const stats = await findQueue(params.get("queue"), context)
    return jsonAnswer<QueueState>(requestId, describeQueue(await countEventsOf(stats, context), context))
  },
})
