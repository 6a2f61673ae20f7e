import { createRoute, z } from "@hono/zod-openapi"
import type { DeadLetter } from "../../engine/engine.ts"
import { FAILURE_REASONS } from "../../event/failure.ts"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { LookSchema, QueueParameters, SELECTION_KINDS } from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { checkQuery } from "../parameters.ts"

const failedAt = z.number().nullable().openapi({
  description: "In seconds since the epoch, with fractions; null where another program did not say when.",
})

const DeadLetterSchema = z
  .object({
    queue: z.string(),
    event: z.unknown().optional().openapi({ description: "The event as it was." }),
    body: z.string().optional().openapi({ description: "In place of the event, what is not JSON." }),
    reason: z.enum(FAILURE_REASONS),
    attempts: z.number().int(),
    first_failed_at: failedAt,
    last_failed_at: failedAt,
    error: z.object({ name: z.string(), message: z.string(), stack: z.string().optional() }).nullable(),
    module: z.string().nullable().openapi({ description: "The file of the handler module that failed." }),
  })
  .openapi("DeadLetter")

const DeadLettersSchema = z
  .object({
    count: z.number().int().openapi({ description: "How many are shown." }),
    dead_letters: z.array(DeadLetterSchema),
  })
  .openapi("DeadLetters")

const route = () =>
  createRoute({
    method: "get",
    ...needs("admin"),
    path: "/api/v1/dead-letters/{queue}",
    summary: "The dead letters of a queue, the oldest first",
    description: "Looking takes none and keeps their order.",
    tags: ["Dead letters"],
    request: { params: QueueParameters, query: LookSchema },
    responses: {
      200: jsonResponse("The dead letters", DeadLettersSchema),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  })

export function listDeadLetters(app: HttpRoutes, { engine }: HttpContext): void {
  app.openAPIRegistry.registerPath(route())
  app.get(route().getRoutingPath(), async (c) => {
    const queue = c.req.param("queue")
    const { limit, reason, name } = checkQuery(LookSchema, c.req.url, SELECTION_KINDS)
    c.env.mayTakeLong()
    const letters = await engine.deadLetters(queue, {
      limit,
      ...(reason !== undefined && { reason }),
      ...(name !== undefined && { name }),
    })
    return c.json({
      count: letters.length,
      dead_letters: letters.map((letter) => toDeadLetter(queue, letter)),
    })
  })
}

function toDeadLetter(queue: string, { body, failure }: DeadLetter): z.infer<typeof DeadLetterSchema> {
  return {
    queue,
    ...parse(body),
    reason: failure.reason,
    attempts: failure.attempts,
    first_failed_at: toSeconds(failure.firstFailedAt),
    last_failed_at: toSeconds(failure.lastFailedAt),
    error: failure.error,
    module: failure.module,
  }
}

function parse(body: string): { readonly event: unknown } | { readonly body: string } {
  try {
    return { event: JSON.parse(body) }
  } catch {
    // Another program's message.
    return { body }
  }
}

const toSeconds = (ms: number): number | null => (ms > 0 ? ms / 1_000 : null)
