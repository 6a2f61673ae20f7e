import { createRoute, z } from "@hono/zod-openapi"
import { needs } from "../access/scope.ts"
import type { Consumption, HttpContext, HttpRoutes } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { ProblemError } from "../problem.ts"

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

const route = (change: keyof typeof CHANGES) =>
  createRoute({
    method: "post",
    ...needs("admin"),
    path: `/api/v1/events/queues/{queue}/${change}`,
    ...CHANGES[change],
    tags: ["Queues"],
    request: { params: z.object({ queue: z.string() }) },
    responses: {
      200: jsonResponse("How the queue is now; also where it was so before", PausedSchema),
      ...problemResponses("not-found"),
    },
  })

export function pauseQueue(app: HttpRoutes, { consumption }: HttpContext): void {
  for (const change of ["pause", "resume"] as const) {
    app.openapi(route(change), (c) => {
      const { queue } = c.req.valid("param")
      consumption[change](known(queue, consumption))
      return c.json({ queue, is_paused: change === "pause" }, 200)
    })
  }
}

function known(queue: string, consumption: Consumption): string {
  if (consumption.isPaused(queue) !== null) return queue
  throw new ProblemError("not-found", `No handler module of this instance consumes a queue ${queue}.`)
}
