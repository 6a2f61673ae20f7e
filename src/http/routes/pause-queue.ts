import { z } from "@hono/zod-openapi"
import { requireQueue } from "../access/reach.ts"
import { askedBy, changeLevel } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { ProblemError } from "../problem.ts"
import { findQueue, QueuePath } from "../queue-description.ts"
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
    description: "Consuming starts when the deliveries from before the pause are finished.",
  },
} as const

export const pauseQueue = (context: HttpContext): Route => changing("pause", context)

export const resumeQueue = (context: HttpContext): Route => changing("resume", context)

const changing = (change: keyof typeof CHANGES, context: HttpContext): Route => ({
  method: "POST",
  path: `/api/v1/events/queues/{queue}/${change}`,
  scope: "admin",
  eventTypes: "limited",
  description: {
    ...CHANGES[change],
    tags: ["Queues"],
    request: { params: QueuePath },
    responses: {
      200: jsonResponse("State of the queue, even if it did not change", PausedSchema, {
        queue: "voice_events",
        is_paused: change === "pause",
      }),
      ...problemResponses("not-found", "engine-unavailable"),
    },
  },
  async handler({ params, key, requestId }) {
    const { consumption, logger } = context
    const queue = params.get("queue")
    // Asks the engine only if necessary, so that a queue can be paused while RabbitMQ is unreachable.
    if (consumption.isPaused(queue) === null) throw await notConsumed(queue, context)
    if (key?.types !== undefined) requireQueue(key, await findQueue(queue, context))
    const isChange = consumption.isPaused(queue) !== (change === "pause")
    consumption[change](queue)
    logger[changeLevel(isChange ? 1 : 0, "info")](
      { queue, ...askedBy({ key, requestId }) },
      change === "pause" ? "queue paused" : "queue resumed",
    )
    return jsonAnswer<z.infer<typeof PausedSchema>>(requestId, { queue, is_paused: change === "pause" })
  },
})

/**
 * Returns the reason why there is nothing to pause or resume.
 * @throws {UnknownQueueError | EngineUnavailableError}
 */
async function notConsumed(queue: string, context: HttpContext): Promise<ProblemError> {
  await findQueue(queue, context)
  const detail =
    `The queue ${queue} exists, but no handler module of this instance consumes it, so there is nothing to pause or ` +
    "resume here. Its events wait until a module names it."
  return new ProblemError("not-found", detail)
}
