import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { countEvents } from "../queue-counts.ts"
import { describeQueue, EXAMPLE_QUEUE, QueueStateSchema } from "../queue-description.ts"
import type { Route } from "../route.ts"

const QueuesSchema = z
  .object({
    queues: z.array(QueueStateSchema),
    is_complete: z.boolean().openapi({
      description:
        "False if queues that only other instances declared may be missing: they are still being read from RabbitMQ, or " +
        "this instance can't find them.",
    }),
  })
  .openapi("QueueStates")

export const listQueueStates = (context: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/queues",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "listQueues",
    summary: "List all queues",
    description:
      "On RabbitMQ the list includes queues that other instances declared. After a start or a reconnect the answer " +
      "waits for them for up to two seconds; `is_complete` tells whether the list includes them.",
    tags: ["Queues"],
    responses: {
      200: jsonResponse("All queues", QueuesSchema, {
        queues: [EXAMPLE_QUEUE],
        is_complete: true,
      }),
      ...problemResponses("engine-unavailable"),
    },
  },
  async handler({ requestId }) {
    const { engine } = context
    const knowledge = await engine.queueAdministration.knowledge()
    const stats = await countEvents(await engine.queueStats(), context)
    return jsonAnswer<z.infer<typeof QueuesSchema>>(requestId, {
      queues: stats.map((each) => describeQueue(each, context)),
      is_complete: knowledge === "all",
    })
  },
})
