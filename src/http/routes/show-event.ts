import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { EventHistorySchema, historyText } from "../event-history.ts"
import { EXAMPLE_HISTORY } from "../event-history-example.ts"
import { requireHistory } from "../history-access.ts"
import { JSON_TYPE } from "../media-type.ts"
import { ProblemError } from "../problem.ts"
import { responseHeaders } from "../response-headers.ts"
import type { Route } from "../route.ts"

const EventPath = z.object({
  id: z.string().openapi({ description: "The event's id.", example: "01a20ace-2fd0-77d8-8956-d3985157a5fb" }),
})

export const showEvent = ({ history, running }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/events/{id}",
  scope: "read",
  eventTypes: "limited",
  description: {
    operationId: "getEvent",
    summary: "Find out what became of an event",
    description:
      "Shows the event, its state on each queue, every attempt with its outcome and duration, what caused it and what it " +
      "caused. The history is kept for `HISTORY_RETENTION`.",
    tags: ["Events"],
    request: { params: EventPath },
    responses: {
      200: jsonResponse("The event", EventHistorySchema, EXAMPLE_HISTORY),
      ...problemResponses("not-found", "history-unavailable"),
    },
  },
  async handler({ params, key, requestId }) {
    const id = params.get("id")
    const known = requireHistory(history)
    const event = await known.lookup(id, reachOf(key))
    if (event === null) throw unknown(id, known.incomplete)
    return new Response(historyText(event, running, known.incomplete), {
      headers: responseHeaders(requestId, JSON_TYPE),
    })
  },
})

function unknown(id: string, incomplete: string | null): ProblemError {
  const why = incomplete === null ? "" : ` It may be incomplete: ${incomplete}.`
  const kept = "It keeps events for HISTORY_RETENTION, as far as HISTORY_MAX_BYTES allows."
  const advice = "GET /api/v1/events (event-broker events list) finds events by ordering_key, text and more."
  return new ProblemError(
    "not-found",
    `The history has no event ${JSON.stringify(id)}.${why} ${kept} ${advice}`,
  )
}
