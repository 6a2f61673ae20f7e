import { z } from "@hono/zod-openapi"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import { STORED_EVENT_EXAMPLE } from "../description/envelope-json-schema.ts"
import { problemResponses } from "../description/responses.ts"
import { EventStream, streamHead } from "../live/event-stream.ts"
import { LIVE_FORMATS } from "../live/live-format.ts"
import { checkQuery } from "../parameters.ts"
import { ProblemError } from "../problem.ts"
import type { Route } from "../route.ts"

/** Most clients at a time: each holds a connection and its unread bytes. */
const MAX_CLIENTS = 1_000

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

export const liveEvents = ({ keys, live }: HttpContext): Route => ({
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
      200: {
        description: "The stream",
        content: { "text/event-stream": { schema: z.string(), example: EXAMPLE } },
      },
      ...problemResponses("validation-failed", "too-many-in-flight", "engine-unavailable"),
    },
  },
  async handler({ method, query, key, requestId, exchange }) {
    const { stopping } = exchange
    const { topics, format } = checkQuery(QuerySchema, query, { topics: "list" })
    if (live.clientCount >= MAX_CLIENTS) {
      throw new ProblemError(
        "too-many-in-flight",
        `The stream has reached its limit of ${MAX_CLIENTS} clients.`,
      )
    }
    if (method === "HEAD") return streamHead(requestId)
    const revoked = key === null ? undefined : keys?.revocationOf(key)
    const stream = new EventStream(revoked === undefined ? stopping : AbortSignal.any([stopping, revoked]))
    const leave = await live.join(
      { patterns: topics, within: reachOf(key), format: LIVE_FORMATS[format] },
      stream,
    )
    exchange.mayTakeLong()
    return stream.response(requestId, leave)
  },
})
