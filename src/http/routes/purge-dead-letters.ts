import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import {
  countWithin,
  PurgeQuerySchema,
  QueueParameters,
  SELECTION_KINDS,
  selectionOf,
} from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkQuery } from "../parameters.ts"
import type { Route } from "../route.ts"

const PurgedSchema = z
  .object({
    purged: z.number().int().openapi({ description: "Dead letters that were deleted." }),
    remaining: z.number().int().openapi({ description: "Dead letters that are left." }),
  })
  .openapi("Purged")

export const purgeDeadLetters = ({ engine }: HttpContext): Route => ({
  method: "DELETE",
  path: "/api/v1/dead-letters/{queue}",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    operationId: "purgeDeadLetters",
    summary: "Delete dead letters",
    description:
      "The query selects them, because proxies may drop the body of a DELETE (RFC 9110, section 9.3.5). Filters narrow " +
      "each other. `ids` takes several ids, separated by commas or as repeated parameters.",
    tags: ["Dead letters"],
    request: { params: QueueParameters, query: PurgeQuerySchema },
    responses: {
      200: jsonResponse("The dead letters are deleted", PurgedSchema, { purged: 1, remaining: 0 }),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  },
  async handler({ params, query, key, requestId }) {
    const queue = params.get("queue")
    const reach = reachOf(key)
    const selection = selectionOf(checkQuery(PurgeQuerySchema, query, SELECTION_KINDS), reach)
    const { purged, remaining } = await engine.purgeDeadLetters(queue, selection)
    return jsonAnswer<z.infer<typeof PurgedSchema>>(requestId, {
      purged,
      remaining: reach === null ? remaining : await countWithin(engine, queue, reach),
    })
  },
})
