import { z } from "@hono/zod-openapi"
import type { ReplaySelection } from "../../replay/replay.ts"
import { reachOf, requireQueue } from "../access/reach.ts"
import { askedBy } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { MAX_SELECTION_BYTES } from "../dead-letter-selection.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { FILTER_FIELDS, filterOfFields } from "../event-filter.ts"
import { requireReplays } from "../history-access.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkBody } from "../parameters.ts"
import { ProblemError } from "../problem.ts"
import { findQueue } from "../queue-description.ts"
import { EXAMPLE_REPLAY, ReplaySchema, type ReplayView, showReplay } from "../replay-view.ts"
import type { Route } from "../route.ts"

const DEFAULT_RATE = 100
const MAX_RATE = 10_000

const OrderSchema = z
  .strictObject(
    {
      queue: z.string("must be a string").openapi({ description: "The queue that gets the events." }),
      ids: z
        .array(
          z.string("must be a string").min(1, "must have at least 1 character"),
          "must be an array of ids",
        )
        .min(1, "must have at least one id")
        .optional()
        .openapi({ description: "Replay these events, in this order. No filter can be given beside it." }),
      ...FILTER_FIELDS,
      all: z.boolean("must be true or false").default(false).openapi({
        description: "Replay every event of the history. Required if nothing else selects. Default: `false`.",
      }),
      any_topic: z
        .boolean("must be true or false")
        .default(false)
        .openapi({
          description:
            "Replay the selected events whatever their routing key. Default: `false`, only those that a binding of the queue " +
            "matches. Events given by `ids` are replayed in any case.",
        }),
      rate: z
        .number("must be a number")
        .min(0.1, "must be at least 0.1")
        .max(MAX_RATE, `must be at most ${MAX_RATE}`)
        .default(DEFAULT_RATE)
        .openapi({ description: "Most events per second. Default: 100. At most 10,000." }),
      dry_run: z.boolean("must be true or false").default(false).openapi({
        description: "Count the events without replaying any. Default: `false`.",
      }),
    },
    "must be a JSON object",
  )
  .openapi("ReplayOrder", {
    description:
      "Selects past events as `GET /api/v1/events` does: all given filters must match; types, names, queues and states are arrays.",
  })

const SelectedSchema = z
  .object({
    selected: z.number().int().openapi({ description: "Number of events that would be replayed." }),
    dry_run: z.literal(true),
  })
  .openapi("ReplayCount")

const EXAMPLE_ORDER = {
  queue: "voice_events",
  since: "2026-11-23T14:00:00Z",
  until: "2026-11-23T14:10:00Z",
  dry_run: true,
}

export const startReplay = (context: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/replays",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    operationId: "startReplay",
    summary: "Replay past events to a queue",
    description:
      "Puts events of the history on one queue again, the oldest first, not faster than `rate`. They keep their id and time, " +
      "are not published again, and handlers see `ctx.replay`. A full queue makes the replay wait.",
    tags: ["Replays"],
    request: {
      body: {
        required: true,
        content: { "application/json": { schema: OrderSchema, example: EXAMPLE_ORDER } },
      },
    },
    responses: {
      200: jsonResponse("The events are counted", SelectedSchema, { selected: 1_200, dry_run: true }),
      202: jsonResponse("The replay runs", ReplaySchema, EXAMPLE_REPLAY),
      ...problemResponses("not-found", "replay-conflict", "history-unavailable", "engine-unavailable"),
    },
  },
  async handler(request) {
    const { body, key, requestId } = request
    const replays = requireReplays(context.replays)
    const given = checkBody(OrderSchema, await body.json(Math.min(context.maxBodyBytes, MAX_SELECTION_BYTES)))
    const { queue, ids, all, any_topic: anyTopic, rate, dry_run: dryRun, ...filters } = given
    const stats = await findQueue(queue, context)
    requireQueue(key, stats)
    const hasFilters = Object.values(filters).some((value) => value !== undefined)
    requireOneSelection(ids !== undefined, hasFilters, all)
    const within = reachOf(key)
    const selection: ReplaySelection =
      ids === undefined
        ? {
            kind: "filter",
            filter: filterOfFields(filters, within),
            topics: anyTopic ? null : stats.bindings,
          }
        : { kind: "ids", ids: [...new Set(ids)], within }
    if (dryRun) return jsonAnswer(requestId, { selected: await replays.count({ selection }), dry_run: true })
    const replay = await replays.start({ queue, selection, rate })
    context.logger.info(
      { replay: replay.id, queue, selected: replay.selected, rate, ...askedBy(request) },
      "replay begun",
    )
    return jsonAnswer<ReplayView>(requestId, showReplay(replay), 202)
  },
})

/** @throws {ProblemError} `validation-failed` unless exactly one way to select is used. */
function requireOneSelection(hasIds: boolean, hasFilters: boolean, isAll: boolean): void {
  const ways = [hasIds, hasFilters, isAll].filter(Boolean).length
  if (ways === 1) return
  throw new ProblemError(
    "validation-failed",
    ways === 0
      ? "Nothing is selected. Give ids, a filter such as since, or set all to true for every event of the history."
      : "Give either ids, or filters, or all.",
  )
}
