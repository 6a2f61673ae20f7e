import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { requireReplays } from "../history-access.ts"
import { jsonAnswer } from "../json-answer.ts"
import { EXAMPLE_REPLAY, ReplaySchema, showReplay } from "../replay-view.ts"
import type { Route } from "../route.ts"

const ReplaysSchema = z.object({ replays: z.array(ReplaySchema) }).openapi("Replays")

export const listReplays = ({ replays }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/replays",
  scope: "admin",
  eventTypes: "unlimited-only",
  description: {
    operationId: "listReplays",
    summary: "List the replays of this instance, newest first",
    description: "The last 100 are remembered, also after a restart.",
    tags: ["Replays"],
    responses: {
      200: jsonResponse("The replays", ReplaysSchema, { replays: [EXAMPLE_REPLAY] }),
      ...problemResponses("not-found"),
    },
  },
  handler: ({ requestId }) =>
    jsonAnswer<z.infer<typeof ReplaysSchema>>(requestId, {
      replays: requireReplays(replays).list().map(showReplay),
    }),
})
