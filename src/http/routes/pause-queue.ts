import { z } from "@hono/zod-openapi"
import type { Engine } from "../../engine/engine.ts"
import { UnknownQueueError } from "../../engine/errors.ts"
import { requireQueue } from "../access/reach.ts"
import { askedBy } from "../audit.ts"
import type { Consumption, HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { ProblemError, toProblemError } from "../problem.ts"
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

const changing = (change: keyof typeof CHANGES, { consumption, engine, logger }: HttpContext): Route => ({
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
      ...problemResponses("not-found", "engine-unavailable"),
    },
  },
  async handler({ params, key, requestId }) {
    const queue = await known(params.get("queue"), consumption, engine)
    if (key?.types !== undefined) {
      const stats = await engine.queueStats()
      requireQueue(
        key,
        stats.find(({ name }) => name === queue),
      )
    }
    consumption[change](queue)
    logger.info(
      { queue, ...askedBy({ key, requestId }) },
      change === "pause" ? "queue paused" : "queue resumed",
    )
    return jsonAnswer<z.infer<typeof PausedSchema>>(requestId, { queue, is_paused: change === "pause" })
  },
})

/** A queue that this instance consumes. @throws {ProblemError} that says why there is nothing to pause or resume. */
async function known(queue: string, consumption: Consumption, engine: Engine): Promise<string> {
  if (consumption.isPaused(queue) !== null) return queue
  const stats = await engine.queueStats()
  if (!stats.some(({ name }) => name === queue)) {
    throw toProblemError(
      new UnknownQueueError(
        queue,
        stats.map(({ name }) => name),
      ),
    )
  }
  const detail =
    `The queue ${queue} exists, but no handler module of this instance consumes it, so there is nothing to pause or ` +
    "resume here. Its events wait until a module names it."
  throw new ProblemError("not-found", detail)
}
