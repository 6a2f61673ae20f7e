import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import { STORED_EVENT_EXAMPLE } from "../description/envelope-json-schema.ts"
import { problemResponses, streamResponse } from "../description/responses.ts"
import { joinStream } from "../live/join-stream.ts"
import { LIVE_FORMATS } from "../live/live-format.ts"
import { checkQuery } from "../parameters.ts"
import type { Route } from "../route.ts"

/** Most patterns of one client. */
const MAX_TOPICS = 100

/** Longest pattern in bytes, as in AMQP. */
const MAX_TOPIC_LENGTH = 255

const TOO_LONG = `must have at most ${MAX_TOPIC_LENGTH} characters each`

const QuerySchema = z.strictObject({
  topics: z
    .array(z.string().min(1, "must not be empty").max(MAX_TOPIC_LENGTH, TOO_LONG))
    .max(MAX_TOPICS, `must be at most ${MAX_TOPICS} patterns`)
    .default(["#"])
    .openapi({
      description:
        "Topic patterns, separated by commas: `*` is one word, `#` any number of words. Default: `#`, all events.",
      example: ["events.voice.#", "events.notification.#"],
    }),
  format: z.enum(["event", "cloudevent"], "must be event or cloudevent").default("event").openapi({
    description: "Format of events: the envelope, or CloudEvents. Default: `event`.",
  }),
})

const EXAMPLE = `event: event\ndata: ${JSON.stringify(STORED_EVENT_EXAMPLE)}\n\n`

export const liveEvents = (context: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/events/stream",
  scope: "read",
  eventTypes: "limited",
  description: {
    operationId: "streamEvents",
    summary: "Watch events as they are stored",
    description:
      "Streams server-sent events until the client disconnects: try it with `curl -N`. `event` holds an event. `missed` holds " +
      "`{count}`: the number of events that the client was too slow for; null after a lost connection to RabbitMQ. Past " +
      "events, retries and redrives are not sent. A comment every 15 seconds keeps the connection open.",
    tags: ["Events"],
    request: { query: QuerySchema },
    responses: {
      200: streamResponse(EXAMPLE),
      ...problemResponses("validation-failed", "too-many-in-flight", "engine-unavailable"),
    },
  },
  async handler(request) {
    const { topics, format } = checkQuery(QuerySchema, request.query, { topics: "list" })
    const wanted = { patterns: topics, within: reachOf(request.key), format: LIVE_FORMATS[format] }
    return joinStream(context.live, wanted, request, context)
  },
})
