import { z } from "@hono/zod-openapi"
import type { DeadLetterSelection, Purged } from "../../engine/dead-letter.ts"
import type { Engine } from "../../engine/engine.ts"
import { reachOf } from "../access/reach.ts"
import { askedBy, changeLevel, summarizeSelection } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { countWithin, PurgeQuerySchema, SELECTION_KINDS, selectionOf } from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkQuery } from "../parameters.ts"
import { QueuePath } from "../queue-description.ts"
import type { Route } from "../route.ts"

const PurgedSchema = z
  .object({
    purged: z.number().int().openapi({
      description: "Number of deleted dead letters; in a dry run, of those that would be deleted.",
    }),
    remaining: z
      .number()
      .int()
      .openapi({ description: "Number of dead letters left; in a dry run, of those that would be left." }),
    dry_run: z.boolean(),
  })
  .openapi("Purged")

export const purgeDeadLetters = ({ engine, logger }: HttpContext): Route => ({
  method: "DELETE",
  path: "/api/v1/dead-letters/{queue}",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    operationId: "purgeDeadLetters",
    summary: "Delete dead letters",
    description:
      "The query selects them, because proxies may drop the body of a DELETE (RFC 9110, section 9.3.5). All given filters " +
      "must match. `ids` takes several ids, separated by commas or as repeated parameters.",
    tags: ["Dead letters"],
    request: { params: QueuePath, query: PurgeQuerySchema },
    responses: {
      200: jsonResponse("The dead letters are deleted", PurgedSchema, {
        purged: 1,
        remaining: 0,
        dry_run: false,
      }),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  },
  async handler({ params, query, key, requestId }) {
    const queue = params.get("queue")
    const reach = reachOf(key)
    const asked = checkQuery(PurgeQuerySchema, query, SELECTION_KINDS)
    const dryRun = asked.dry_run
    const selection = selectionOf(asked, reach)
    const { purged, remaining } = dryRun
      ? await countPurge(engine, queue, selection)
      : await engine.purgeDeadLetters(queue, selection)
    if (!dryRun) {
      const fields = {
        queue,
        purged,
        remaining,
        selection: summarizeSelection(asked),
        ...askedBy({ key, requestId }),
      }
      logger[changeLevel(purged, "warn")](fields, "dead letters purged")
    }
    const own = reach === null ? null : await countWithin(engine, queue, reach)
    return jsonAnswer<z.infer<typeof PurgedSchema>>(requestId, {
      purged,
      remaining: own === null ? remaining : own - (dryRun ? purged : 0),
      dry_run: dryRun,
    })
  },
})

/**
 * Counts the dead letters that a purge would delete. Unlike a redrive, a purge also deletes corrupt events.
 */
async function countPurge(engine: Engine, queue: string, selection: DeadLetterSelection): Promise<Purged> {
  const { redriven, remaining, corrupt = 0 } = await engine.redrive(queue, selection, { dryRun: true })
  const purged = Math.min(redriven + corrupt, selection.limit ?? Number.POSITIVE_INFINITY)
  return { purged, remaining: remaining + redriven - purged }
}
