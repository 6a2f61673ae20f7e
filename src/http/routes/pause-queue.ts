import { z } from "@hono/zod-openapi"
import { requireQueue } from "../access/reach.ts"
import type { Consumption, HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { ProblemError } from "../problem.ts"
import { QueuePath } from "../queue-description.ts"
import type { Route } from "../route.ts"

const PausedSchema = z.object({ queue: z.string(), is_paused: z.boolean() }).openapi("PausedQueue")

const CHANGES = {
  pause: {
    operationId: "pauseQueue",
    summary: "Pause a queue on this instance",
    description:
      "Events that are being handled are finished; all others wait in the queue. The pause ends when the queue is " +
      "resumed or the service restarts.",
  },
  resume: {
    operationId: "resumeQueue",
    summary: "Resume a paused queue",
    description: "Consuming begins once the deliveries from before the pause are finished.",
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
    request: { params: QueuePath },
    responses: {
      200: jsonResponse("State of the queue, also if it did not change", PausedSchema, {
        queue: "voice_events",
        is_paused: change === "pause",
      }),
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
