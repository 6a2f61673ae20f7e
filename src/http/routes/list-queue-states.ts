import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { describeQueue, EXAMPLE_QUEUE, QueueStateSchema } from "../queue-description.ts"
import type { Route } from "../route.ts"

const QueuesSchema = z.object({ queues: z.array(QueueStateSchema) }).openapi("QueueStates")

export const listQueueStates = (context: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/queues",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "listQueues",
    summary: "List all queues",
    description: "On RabbitMQ the list includes queues that other instances declared.",
    tags: ["Queues"],
    responses: {
      200: jsonResponse("All queues", QueuesSchema, { queues: [EXAMPLE_QUEUE] }),
      ...problemResponses("engine-unavailable"),
    },
  },
  async handler({ requestId }) {
    const stats = await context.engine.queueStats()
    return jsonAnswer<z.infer<typeof QueuesSchema>>(requestId, {
      queues: stats.map((each) => describeQueue(each, context)),
    })
  },
})
