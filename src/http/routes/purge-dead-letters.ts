import { z } from "@hono/zod-openapi"
import type { DeadLetterSelection, Purged } from "../../engine/dead-letter.ts"
import type { Engine } from "../../engine/engine.ts"
import { reachOf } from "../access/reach.ts"
import { askedBy, changeLevel, summarizeSelection } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import {
  CountedAt,
  countWithin,
  MAX_SELECTION_BYTES,
  PurgeQuerySchema,
  SELECTION_KINDS,
  SelectionSchema,
  selectionOf,
} from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkBody, checkQuery } from "../parameters.ts"
import { QueuePath } from "../queue-description.ts"
import type { Route, RouteRequest } from "../route.ts"

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
    at: CountedAt,
  })
  .openapi("Purged")

const EXAMPLE_PURGED: z.infer<typeof PurgedSchema> = { purged: 1, remaining: 0, dry_run: false }

export const purgeDeadLetters = (context: HttpContext): Route => ({
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
      "must match. `ids` takes several ids, separated by commas or as repeated parameters. Proxies limit the length of a " +
      "query: `POST /api/v1/dead-letters/{queue}/purge` takes the same selection as a body.",
    tags: ["Dead letters"],
    request: { params: QueuePath, query: PurgeQuerySchema },
    responses: {
      200: jsonResponse("The dead letters are deleted", PurgedSchema, EXAMPLE_PURGED),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  },
  handler: (request) => purge(context, checkQuery(PurgeQuerySchema, request.query, SELECTION_KINDS), request),
})

/** A dry run, so that "Execute" in the documentation deletes nothing. */
const EXAMPLE_SELECTION = { reason: "expired", until: "2026-11-24T00:00:00Z", dry_run: true } as const

export const purgeSelectedDeadLetters = (context: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/dead-letters/{queue}/purge",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    operationId: "purgeSelectedDeadLetters",
    summary: "Delete dead letters that a body selects",
    description: "As `DELETE /api/v1/dead-letters/{queue}`, for a selection that is too long for a query.",
    tags: ["Dead letters"],
    request: {
      params: QueuePath,
      body: {
        required: true,
        content: { "application/json": { schema: SelectionSchema, example: EXAMPLE_SELECTION } },
      },
    },
    responses: {
      200: jsonResponse("The dead letters are deleted or counted", PurgedSchema, EXAMPLE_PURGED),
      ...problemResponses("not-found", "engine-unavailable"),
    },
  },
  async handler(request) {
    const limit = Math.min(context.maxBodyBytes, MAX_SELECTION_BYTES)
    return purge(context, checkBody(SelectionSchema, await request.body.json(limit)), request)
  },
})

async function purge(
  { engine, logger }: HttpContext,
  asked: z.infer<typeof SelectionSchema>,
  { params, key, requestId }: RouteRequest,
): Promise<Response> {
  const queue = params.get("queue")
  const reach = reachOf(key)
  const dryRun = asked.dry_run
  const selection = selectionOf(asked, reach)
  const at = Date.now() / 1_000
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
    ...(dryRun && { at }),
  })
}

/**
 * Counts the dead letters that a purge would delete. Unlike a redrive, a purge also deletes corrupt events.
 */
async function countPurge(engine: Engine, queue: string, selection: DeadLetterSelection): Promise<Purged> {
  const { redriven, remaining, corrupt = 0 } = await engine.redrive(queue, selection, { dryRun: true })
  const purged = Math.min(redriven + corrupt, selection.limit ?? Number.POSITIVE_INFINITY)
  return { purged, remaining: remaining + redriven - purged }
}
