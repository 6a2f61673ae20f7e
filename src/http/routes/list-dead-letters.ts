import { z } from "@hono/zod-openapi"
import { DEAD_LETTER_REASONS } from "../../event/failure.ts"
import { reachOf } from "../access/reach.ts"
import type { HttpContext } from "../context.ts"
import { DeadLetterList } from "../dead-letter-list.ts"
import { filterOf, LookSchema, SELECTION_KINDS } from "../dead-letter-selection.ts"
import { schemaReference } from "../description/components.ts"
import { STORED_EVENT_EXAMPLE } from "../description/envelope-json-schema.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { JSON_TYPE } from "../media-type.ts"
import { checkQuery } from "../parameters.ts"
import { streamedResponse } from "../publishing/streamed-response.ts"
import { QueuePath } from "../queue-description.ts"
import { responseHeaders } from "../response-headers.ts"
import type { Route } from "../route.ts"

const failedAt = z.number().nullable().openapi({
  description:
    "Seconds since the epoch, fractional; null if another program made the dead letter without a time.",
})

/** Content of a message: an event, or the JSON of another program. */
const StoredJson = z.unknown().openapi("StoredJson", {
  description: "The event as it was stored. A message of another program may hold any other JSON.",
  anyOf: [
    schemaReference("Event"),
    { type: "object", additionalProperties: true },
    { type: "array", items: {} },
    { type: ["string", "number", "boolean", "null"] },
  ],
})

const DeadLetterSchema = z
  .object({
    queue: z.string(),
    event: StoredJson.optional(),
    body: z.string().optional().openapi({ description: "Replaces `event` if the message is not JSON." }),
    body_base64: z.string().optional().openapi({
      description: "The bytes of the message, in Base64. Replaces `event` and `body` if it is not UTF-8.",
    }),
    body_bytes: z
      .number()
      .int()
      .optional()
      .openapi({ description: "Size of a message that is not UTF-8, in bytes." }),
    reason: z.enum(DEAD_LETTER_REASONS),
    attempts: z.number().int().openapi({ description: "Number of attempts made." }),
    first_failed_at: failedAt,
    last_failed_at: failedAt,
    error: z.object({ name: z.string(), message: z.string(), stack: z.string().optional() }).nullable(),
    module: z
      .string()
      .nullable()
      .openapi({ description: "File of the handler module that failed; null if none was involved." }),
  })
  .openapi("DeadLetter")

const DeadLettersSchema = z
  .object({
    count: z.number().int().openapi({ description: "Number of dead letters in this response." }),
    dead_letters: z.array(DeadLetterSchema),
    cursor: z.string().nullable().openapi({
      description: "Pass it as the parameter `cursor` to continue the list; null at its end.",
    }),
  })
  .openapi("DeadLetters")

const EXAMPLE: z.infer<typeof DeadLettersSchema> = {
  count: 1,
  dead_letters: [
    {
      queue: "voice_events",
      event: STORED_EVENT_EXAMPLE,
      reason: "attempts-exhausted",
      attempts: 3,
      first_failed_at: 1_795_477_614.551,
      last_failed_at: 1_795_477_621.09,
      error: { name: "Error", message: "the transcript service answered 503" },
      module: "handlers/transcripts.ts",
    },
  ],
  cursor: null,
}

export const listDeadLetters = ({ engine, bodies: { turns } }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/dead-letters/{queue}",
  scope: "admin",
  eventTypes: "limited",
  mayTakeLong: true,
  description: {
    operationId: "listDeadLetters",
    summary: "List the dead letters of a queue, oldest first",
    description:
      "Neither removes nor reorders dead letters. A response is also bounded in bytes, so it may hold fewer than `limit`; " +
      "`cursor` continues the list.",
    tags: ["Dead letters"],
    request: { params: QueuePath, query: LookSchema },
    responses: {
      200: jsonResponse("The dead letters", DeadLettersSchema, EXAMPLE),
      ...problemResponses("not-found", "validation-failed", "engine-unavailable"),
    },
  },
  async handler(request) {
    const { params, query, key, requestId, exchange, method } = request
    const { cursor, limit, ...filters } = checkQuery(LookSchema, query, SELECTION_KINDS)
    const list = await DeadLetterList.begin({
      engine,
      queue: params.get("queue"),
      selection: { ...filterOf(filters, reachOf(key)), limit },
      cursor,
      turns,
    })
    const whole = list.whole()
    if (whole === null && method !== "HEAD") return streamedResponse(list.texts(), JSON_TYPE, exchange)
    return new Response(whole, { headers: responseHeaders(requestId, JSON_TYPE) })
  },
})
