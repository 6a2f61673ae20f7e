import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import {
  countWithin,
  MAX_SELECTION_BYTES,
  QueueParameters,
  RedriveSchema,
  selectionOf,
} from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkBody } from "../parameters.ts"
import type { Route } from "../route.ts"

const RedrivenSchema = z
  .object({
    redriven: z.number().int().openapi({ description: "How many were moved; of a dry run, would be." }),
    remaining: z
      .number()
      .int()
      .openapi({ description: "Dead letters that are left; of a dry run, would be." }),
    corrupt: z.number().int().optional().openapi({
      description: "How many were left because their event is not what was stored; absent if there are none.",
    }),
    dry_run: z.boolean(),
  })
  .openapi("Redriven")

export const redriveDeadLetters = ({ engine, maxBodyBytes }: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/dead-letters/{queue}/redrive",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    summary: "Move dead letters back to their queue",
    description:
      "The oldest first, as events that were never tried, to this queue alone. Each is stored there before it " +
      "leaves the dead letters. Where the queue is full it stops, and `remaining` says how many are left.",
    tags: ["Dead letters"],
    request: {
      params: QueueParameters,
      body: { required: true, content: { "application/json": { schema: RedriveSchema } } },
    },
    responses: {
      200: jsonResponse("They are moved", RedrivenSchema),
      ...problemResponses(
        "malformed-json",
        "not-found",
        "payload-too-large",
        "unsupported-media-type",
        "validation-failed",
        "engine-refused",
        "engine-unavailable",
        "confirm-timeout",
      ),
    },
  },
  async handler({ params, body, key, requestId }) {
    const asked = checkBody(RedriveSchema, await body.json(Math.min(maxBodyBytes, MAX_SELECTION_BYTES)))
    const dryRun = asked.dry_run
    const queue = params.get("queue")
    const reach = reachOf(key)
    const result = await engine.redrive(queue, selectionOf(asked, reach), { dryRun })
    const own = reach === null ? null : await countWithin(engine, queue, reach)
    return jsonAnswer<z.infer<typeof RedrivenSchema>>(requestId, {
      ...result,
      ...(own !== null && { remaining: own - (dryRun ? result.redriven : 0) }),
      dry_run: dryRun,
    })
  },
})
