import { askedBy } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { requireReplays } from "../history-access.ts"
import { jsonAnswer } from "../json-answer.ts"
import { EXAMPLE_REPLAY, ReplayPath, ReplaySchema, type ReplayView, showReplay } from "../replay-view.ts"
import type { Route } from "../route.ts"

export const resumeReplay = ({ replays, logger }: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/replays/{id}/resume",
  scope: "admin",
  eventTypes: "unlimited-only",
  description: {
    operationId: "resumeReplay",
    summary: "Resume a replay",
    description:
      "Goes on behind the last event that is known to be on the queue. Events of the last second before an interruption can be put on it twice.",
    tags: ["Replays"],
    request: { params: ReplayPath },
    responses: {
      200: jsonResponse("The replay", ReplaySchema, EXAMPLE_REPLAY),
      ...problemResponses("not-found", "replay-conflict"),
    },
  },
  handler(request) {
    const replay = requireReplays(replays).resume(request.params.get("id"))
    logger.info({ replay: replay.id, ...askedBy(request) }, "replay resumed")
    return jsonAnswer<ReplayView>(request.requestId, showReplay(replay))
  },
})
