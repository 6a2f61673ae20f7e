import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

const CountsSchema = z
  .object({ queues: z.array(z.object({ queue_name: z.string(), dead_letter_count: z.number().int() })) })
  .openapi("DeadLetterCounts")

export const countDeadLetters = ({ engine }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/dead-letters",
  scope: "admin",
  eventTypes: "limited",
  description: {
    summary: "How many dead letters every queue has",
    tags: ["Dead letters"],
    responses: {
      200: jsonResponse("Every queue", CountsSchema),
      ...problemResponses("engine-unavailable"),
    },
  },
  async handler({ requestId }) {
    const stats = await engine.queueStats()
    const queues = stats.map(({ name, deadLetterCount }) => ({
      queue_name: name,
      dead_letter_count: deadLetterCount,
    }))
    return jsonAnswer<z.infer<typeof CountsSchema>>(requestId, { queues })
  },
})
