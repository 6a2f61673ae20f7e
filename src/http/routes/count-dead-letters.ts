import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import { countWithin } from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

const CountsSchema = z
  .object({ queues: z.array(z.object({ queue_name: z.string(), dead_letter_count: z.number().int() })) })
  .openapi("DeadLetterCounts")

const EXAMPLE: z.infer<typeof CountsSchema> = {
  queues: [{ queue_name: "voice_events", dead_letter_count: 1 }],
}

export const countDeadLetters = ({ engine }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/dead-letters",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    operationId: "countDeadLetters",
    summary: "Count the dead letters of every queue",
    description: "A key that is limited to event types counts only dead letters of its types.",
    tags: ["Dead letters"],
    responses: {
      200: jsonResponse("Every queue", CountsSchema, EXAMPLE),
      ...problemResponses("engine-unavailable"),
    },
  },
  async handler({ key, requestId }) {
    const reach = reachOf(key)
    const stats = await engine.queueStats()
    const queues: z.infer<typeof CountsSchema>["queues"] = []
    // One queue after the other, because RabbitMQ has to deliver all dead letters of a queue to tell them
    // apart.
    for (const { name, deadLetterCount } of stats) {
      const isWhole = reach === null || deadLetterCount === 0
      const count = isWhole ? deadLetterCount : await countWithin(engine, name, reach)
      queues.push({ queue_name: name, dead_letter_count: count })
    }
    return jsonAnswer<z.infer<typeof CountsSchema>>(requestId, { queues })
  },
})
