import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import { askedBy, changeLevel, summarizeSelection } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import {
  CountedAt,
  countWithin,
  MAX_SELECTION_BYTES,
  SelectionSchema,
  selectionOf,
} from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkBody } from "../parameters.ts"
import { QueuePath } from "../queue-description.ts"
import type { Route } from "../route.ts"

const RedrivenSchema = z
  .object({
    redriven: z
      .number()
      .int()
      .openapi({ description: "Number of moved dead letters; in a dry run, of those that would be moved." }),
    remaining: z
      .number()
      .int()
      .openapi({ description: "Number of dead letters left; in a dry run, of those that would be left." }),
    corrupt: z.number().int().optional().openapi({
      description:
        "Number of dead letters left because the disk changed their event; absent if there are none.",
    }),
    dry_run: z.boolean(),
    at: CountedAt,
  })
  .openapi("Redriven")

/** A dry run, so that "Execute" in the documentation moves nothing. */
const EXAMPLE_REDRIVE = { reason: "attempts-exhausted", limit: 100, dry_run: true } as const

const EXAMPLE_REDRIVEN: z.infer<typeof RedrivenSchema> = {
  redriven: 1,
  remaining: 0,
  dry_run: true,
  at: 1_795_477_800.5,
}

export const redriveDeadLetters = ({ engine, maxBodyBytes, logger }: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/dead-letters/{queue}/redrive",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    operationId: "redriveDeadLetters",
    summary: "Move dead letters back to their queue",
    description:
      "Moves the oldest first, to this queue only. Attempts count from the start again. Each event is stored on the " +
      "queue before it leaves the dead letters. If the queue is full, the redrive stops; `remaining` is the number left.",
    tags: ["Dead letters"],
    request: {
      params: QueuePath,
      body: {
        required: true,
        content: { "application/json": { schema: SelectionSchema, example: EXAMPLE_REDRIVE } },
      },
    },
    responses: {
      200: jsonResponse("The dead letters are moved or counted", RedrivenSchema, EXAMPLE_REDRIVEN),
      ...problemResponses("not-found", "engine-refused", "engine-unavailable", "confirm-timeout"),
    },
  },
  async handler({ params, body, key, requestId }) {
    const asked = checkBody(SelectionSchema, await body.json(Math.min(maxBodyBytes, MAX_SELECTION_BYTES)))
    const dryRun = asked.dry_run
    const queue = params.get("queue")
    const reach = reachOf(key)
    const at = Date.now() / 1_000
    const result = await engine.redrive(queue, selectionOf(asked, reach), { dryRun })
    if (!dryRun) {
      const selection = summarizeSelection(asked)
      const level = changeLevel(result.redriven + (result.corrupt ?? 0), "info")
      logger[level]({ queue, ...result, selection, ...askedBy({ key, requestId }) }, "dead letters redriven")
    }
    const own = reach === null ? null : await countWithin(engine, queue, reach)
    return jsonAnswer<z.infer<typeof RedrivenSchema>>(requestId, {
      ...result,
      ...(own !== null && { remaining: own - (dryRun ? result.redriven : 0) }),
      dry_run: dryRun,
      ...(dryRun && { at }),
    })
  },
})
