import { z } from "@hono/zod-openapi"
import type { DeadLetter } from "../../engine/engine.ts"
import { FAILURE_REASONS } from "../../event/failure.ts"
import { parseJsonText } from "../../event/json-text.ts"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import { LookSchema, QueueParameters, SELECTION_KINDS, withinReach } from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkQuery } from "../parameters.ts"
import type { Route } from "../route.ts"

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

export const listDeadLetters = ({ engine }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/dead-letters/{queue}",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    summary: "The dead letters of a queue, the oldest first",
    description: "Listing dead letters neither removes nor reorders them.",
    tags: ["Dead letters"],
    request: { params: QueueParameters, query: LookSchema },
    responses: {
      200: jsonResponse("The dead letters", DeadLettersSchema),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  },
  async handler({ params, query, key, requestId }) {
    const queue = params.get("queue")
    const { limit, reason, name } = checkQuery(LookSchema, query, SELECTION_KINDS)
    const selection = { limit, ...(reason !== undefined && { reason }), ...(name !== undefined && { name }) }
    const letters = await engine.deadLetters(queue, withinReach(selection, reachOf(key)))
    return jsonAnswer<z.infer<typeof DeadLettersSchema>>(requestId, {
      count: letters.length,
      dead_letters: letters.map((letter) => toDeadLetter(queue, letter)),
    })
  },
})

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
    return { event: parseJsonText(body, "The event") }
  } catch {
    // Another program's message: no JSON, or JSON that can't be written again.
    return { body }
  }
}

const toSeconds = (ms: number): number | null => (ms > 0 ? ms / 1_000 : null)
