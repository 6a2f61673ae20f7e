import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { FILTER_KINDS, FILTER_PARAMETERS, filterOf } from "../event-filter.ts"
import { EventListSchema, showSummary } from "../event-history.ts"
import { EXAMPLE_LIST } from "../event-history-example.ts"
import { requireHistory } from "../history-access.ts"
import { jsonAnswer } from "../json-answer.ts"
import { checkQuery } from "../parameters.ts"
import type { Route } from "../route.ts"

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000

const QuerySchema = z.strictObject({
  ...FILTER_PARAMETERS,
  order: z
    .enum(["newest", "oldest"], "must be newest or oldest")
    .default("newest")
    .openapi({ description: "Which event comes first. Default: `newest`." }),
  limit: z
    .int("must be a whole number")
    .min(1, "must be at least 1")
    .max(MAX_LIMIT, `must be at most ${MAX_LIMIT}`)
    .default(DEFAULT_LIMIT)
    .openapi({ description: "Most events of the answer. Default: 100. At most 1,000." }),
  cursor: z
    .string("must be a string")
    .optional()
    .openapi({ description: "`cursor` of the previous answer. Default: start with the first event." }),
})

export const listEvents = ({ history, running }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/events",
  scope: "read",
  eventTypes: "limited",
  description: {
    operationId: "listEvents",
    summary: "Search the history of events",
    description:
      "All given filters must match. Lists are separated by commas. A page looks at a bounded number of events, so it may be " +
      "short, or empty, although more follows: continue while there is a `cursor`.",
    tags: ["Events"],
    request: { query: QuerySchema },
    responses: {
      200: jsonResponse("The events", EventListSchema, EXAMPLE_LIST),
      ...problemResponses("not-found", "validation-failed", "history-unavailable"),
    },
  },
  async handler({ query, key, requestId }) {
    const given = checkQuery(QuerySchema, query, { ...FILTER_KINDS, limit: "json" })
    const { order, limit, cursor, ...filter } = given
    const request = { ...filterOf(filter, reachOf(key)), newestFirst: order === "newest", limit, cursor }
    const known = requireHistory(history)
    const page = await known.list(request)
    return jsonAnswer<z.infer<typeof EventListSchema>>(requestId, {
      count: page.items.length,
      events: page.items.map((event) => showSummary(event, running)),
      cursor: page.cursor,
      incomplete: known.incomplete,
    })
  },
})
