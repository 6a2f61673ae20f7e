import { askedBy } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { requireReplays } from "../history-access.ts"
import { jsonAnswer } from "../json-answer.ts"
import { EXAMPLE_REPLAY, ReplayPath, ReplaySchema, type ReplayView, showReplay } from "../replay-view.ts"
import type { Route } from "../route.ts"

export const abortReplay = ({ replays, logger }: HttpContext): Route => ({
  method: "DELETE",
  path: "/api/v1/replays/{id}",
  scope: "admin",
  eventTypes: "unlimited-only",
  description: {
    operationId: "abortReplay",
    summary: "Abort a replay",
    description:
      "Events that are on the queue stay there. The answer says how many are. A replay that has ended stays as it is.",
    tags: ["Replays"],
    request: { params: ReplayPath },
    responses: {
      200: jsonResponse("The replay", ReplaySchema, EXAMPLE_REPLAY),
      ...problemResponses("not-found"),
    },
  },
  async handler(request) {
    const replay = await requireReplays(replays).abort(request.params.get("id"))
    logger.info({ replay: replay.id, ...askedBy(request) }, "replay aborted")
    return jsonAnswer<ReplayView>(request.requestId, showReplay(replay))
  },
})
