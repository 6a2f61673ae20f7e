import { z } from "@hono/zod-openapi"
import { requireQueue } from "../access/reach.ts"
import type { Consumption, HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { ProblemError } from "../problem.ts"
import type { Route } from "../route.ts"

const PausedSchema = z.object({ queue: z.string(), is_paused: z.boolean() }).openapi("PausedQueue")

const CHANGES = {
  pause: {
    summary: "Stop consuming a queue on this instance",
    description:
      "What was delivered is finished; all else waits in the queue. It holds until it is resumed, or the service starts anew.",
  },
  resume: {
    summary: "Consume a paused queue again",
    description: "Begins once what was delivered before the pause is finished.",
  },
} as const

export const pauseQueue = (context: HttpContext): Route => changing("pause", context)

export const resumeQueue = (context: HttpContext): Route => changing("resume", context)

const changing = (change: keyof typeof CHANGES, { consumption, engine }: HttpContext): Route => ({
  method: "POST",
  path: `/api/v1/events/queues/{queue}/${change}`,
  scope: "admin",
  eventTypes: "limited",
  description: {
    ...CHANGES[change],
    tags: ["Queues"],
    request: { params: z.object({ queue: z.string() }) },
    responses: {
      200: jsonResponse("How the queue is now; also where it was so before", PausedSchema),
      ...problemResponses("not-found"),
    },
  },
  async handler({ params, key, requestId }) {
    const queue = known(params.get("queue"), consumption)
    if (key?.types !== undefined) {
      const stats = await engine.queueStats()
      requireQueue(
        key,
        stats.find(({ name }) => name === queue),
      )
    }
    consumption[change](queue)
    return jsonAnswer<z.infer<typeof PausedSchema>>(requestId, { queue, is_paused: change === "pause" })
  },
})

function known(queue: string, consumption: Consumption): string {
  if (consumption.isPaused(queue) !== null) return queue
  throw new ProblemError("not-found", `No handler module of this instance consumes a queue ${queue}.`)
}
