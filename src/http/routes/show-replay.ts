import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { requireReplays } from "../history-access.ts"
import { jsonAnswer } from "../json-answer.ts"
import { EXAMPLE_REPLAY, ReplayPath, ReplaySchema, type ReplayView, showReplay } from "../replay-view.ts"
import type { Route } from "../route.ts"

export const showReplayProgress = ({ replays }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/replays/{id}",
  scope: "admin",
  eventTypes: "unlimited-only",
  description: {
    operationId: "getReplay",
    summary: "Get the progress of a replay",
    description: "A replay belongs to the instance that began it.",
    tags: ["Replays"],
    request: { params: ReplayPath },
    responses: {
      200: jsonResponse("The replay", ReplaySchema, EXAMPLE_REPLAY),
      ...problemResponses("not-found"),
    },
  },
  handler: ({ params, requestId }) =>
    jsonAnswer<ReplayView>(requestId, showReplay(requireReplays(replays).get(params.get("id")))),
})
