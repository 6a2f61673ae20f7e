import type { LiveTopics } from "../../live/audience.ts"
import type { LiveStream } from "../../live/live-stream.ts"
import type { HttpContext } from "../context.ts"
import { ProblemError } from "../problem.ts"
import type { RouteRequest } from "../route.ts"
import { EventStream, streamHead } from "./event-stream.ts"

/** Most clients of a stream at a time: each holds a connection and its unread bytes. */
const MAX_CLIENTS = 1_000

/**
 * Answers a request with a live stream, which ends when the service stops or the request's key is revoked.
 * @throws {ProblemError} `too-many-in-flight`
 */
export async function joinStream(
  live: LiveStream,
  topics: LiveTopics,
  { method, key, requestId, exchange }: RouteRequest,
  { keys }: Pick<HttpContext, "keys">,
): Promise<Response> {
  if (live.clientCount >= MAX_CLIENTS) {
    throw new ProblemError(
      "too-many-in-flight",
      `The stream has reached its limit of ${MAX_CLIENTS} clients.`,
    )
  }
  if (method === "HEAD") return streamHead(requestId)
  const { stopping } = exchange
  const revoked = key === null ? undefined : keys?.revocationOf(key)
  const stream = new EventStream(revoked === undefined ? stopping : AbortSignal.any([stopping, revoked]))
  const leave = await live.join(topics, stream)
  exchange.mayTakeLong()
  return stream.response(requestId, leave)
}
