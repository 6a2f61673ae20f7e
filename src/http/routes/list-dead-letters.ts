import { z } from "@hono/zod-openapi"
import { FAILURE_REASONS } from "../../event/failure.ts"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import { DeadLetterList } from "../dead-letter-list.ts"
import { LookSchema, QueueParameters, SELECTION_KINDS, withinReach } from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { JSON_TYPE } from "../media-type.ts"
import { checkQuery } from "../parameters.ts"
import { streamedResponse } from "../publishing/streamed-response.ts"
import { responseHeaders } from "../response-headers.ts"
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
    cursor: z.string().nullable().openapi({
      description: "Give it as `cursor` to see those that come next; null if there are no more.",
    }),
  })
  .openapi("DeadLetters")

export const listDeadLetters = ({ engine, bodies: { turns } }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/dead-letters/{queue}",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    summary: "The dead letters of a queue, the oldest first",
    description:
      "Listing dead letters neither removes nor reorders them. An answer is bounded in bytes too, so it may show " +
      "fewer than `limit`; `cursor` continues the list.",
    tags: ["Dead letters"],
    request: { params: QueueParameters, query: LookSchema },
    responses: {
      200: jsonResponse("The dead letters", DeadLettersSchema),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  },
  async handler(request) {
    const { params, query, key, requestId, method } = request
    const { cursor, limit, reason, name } = checkQuery(LookSchema, query, SELECTION_KINDS)
    const filter = { ...(reason !== undefined && { reason }), ...(name !== undefined && { name }) }
    const list = await DeadLetterList.begin({
      engine,
      queue: params.get("queue"),
      selection: { ...withinReach(filter, reachOf(key)), limit },
      cursor,
      turns,
    })
    const whole = list.whole()
    if (whole === null && method !== "HEAD") return streamedResponse(list.texts(), JSON_TYPE, request)
    return new Response(whole, { headers: responseHeaders(requestId, JSON_TYPE) })
  },
})
