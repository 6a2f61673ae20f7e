import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { problemResponses, streamResponse } from "../description/responses.ts"
import { joinStream } from "../live/join-stream.ts"
import { checkQuery } from "../parameters.ts"
import { ProblemError } from "../problem.ts"
import type { Route } from "../route.ts"

const MAX_QUEUES = 100

const QuerySchema = z.strictObject({
  queues: z
    .array(z.string().min(1, "must not be empty"))
    .max(MAX_QUEUES, `must be at most ${MAX_QUEUES} queues`)
    .default(["#"])
    .openapi({
      description: "Names of queues, separated by commas. Default: all.",
      example: ["voice_events"],
    }),
})

const EXAMPLE = `event: outcome\ndata: ${JSON.stringify({
  at: 1_795_477_614.563,
  id: "01a20ace-2fd0-77d8-8956-d3985157a5fb",
  queue: "voice_events",
  attempt: 1,
  duration_ms: 9.8,
  outcome: "handled",
  module: "transcripts.ts",
  handler: "speech_recognized",
  generation: "4f0c2a91",
})}\n\n`

export const liveOutcomes = (context: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/events/outcomes",
  scope: "read",
  eventTypes: "unlimited-only",
  description: {
    operationId: "streamOutcomes",
    summary: "Watch how attempts end",
    description:
      "Streams server-sent events until the client disconnects. `outcome` holds how an attempt ended: `handled`, `retry` with the " +
      "time of the next attempt, or `dead-letter`; `attempt` is null if the event became a dead letter without one. `missed` " +
      "holds `{count}`, as in the stream of events.",
    tags: ["Events"],
    request: { query: QuerySchema },
    responses: {
      200: streamResponse(EXAMPLE),
      ...problemResponses("not-found", "validation-failed", "too-many-in-flight"),
    },
  },
  async handler(request) {
    const { queues } = checkQuery(QuerySchema, request.query, { queues: "list" })
    if (context.outcomes === null) {
      throw new ProblemError(
        "not-found",
        "The service keeps no history, so it shows no outcomes: HISTORY is off, or the volume of DATA_DIR is smaller than 128 MiB.",
      )
    }
    const topics = { patterns: queues, within: null, format: OUTCOME_FORMAT }
    return joinStream(context.outcomes, topics, request, context)
  },
})

const OUTCOME_FORMAT = {
  name: "outcome",
  write: ({ body }: { readonly body: string }): string => `event: outcome\ndata: ${body}\n\n`,
}
