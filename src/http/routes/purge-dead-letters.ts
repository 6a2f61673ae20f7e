import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import {
  countWithin,
  PurgeSchema,
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
    purged: z.number().int(),
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
    summary: "Delete dead letters for good",
    description:
      "What is selected is in the query: HTTP gives the body of a DELETE no meaning, and what stands between may " +
      "drop it (RFC 9110, section 9.3.5). `ids` takes several with commas between, or is given again for each.",
    tags: ["Dead letters"],
    request: { params: QueueParameters, query: PurgeSchema },
    responses: {
      200: jsonResponse("They are gone", PurgedSchema),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  },
  async handler({ params, query, key, requestId }) {
    const queue = params.get("queue")
    const reach = reachOf(key)
    const selection = selectionOf(checkQuery(PurgeSchema, query, SELECTION_KINDS), reach)
    const { purged, remaining } = await engine.purgeDeadLetters(queue, selection)
    return jsonAnswer<z.infer<typeof PurgedSchema>>(requestId, {
      purged,
      remaining: reach === null ? remaining : await countWithin(engine, queue, reach),
    })
  },
})
