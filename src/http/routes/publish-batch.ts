import { z } from "@hono/zod-openapi"
import type { HttpContext, RouteRequest } from "../context.ts"
import {
  CLOUD_EVENT_EXAMPLE,
  cloudEventJsonSchema,
  EVENT_EXAMPLE,
  eventDraftJsonSchema,
} from "../description/envelope-json-schema.ts"
import { EVENT_PROBLEMS, jsonResponse, problemResponses } from "../description/responses.ts"
import { CLOUD_EVENT_BATCH, JSON_TYPE, mediaTypeOf, NDJSON, requireType } from "../media-type.ts"
import { BatchAnswer } from "../publishing/batch-answer.ts"
import { BatchSplitter } from "../publishing/batch-splitter.ts"
import { EventBatch, splitBatch } from "../publishing/event-batch.ts"
import { AS_CLOUD_EVENT, ENVELOPE, type Publishing, publishAs } from "../publishing/event-format.ts"
import { EventLines } from "../publishing/event-lines.ts"
import { ReceiptSchema } from "../publishing/receipt.ts"
import { streamedResponse } from "../publishing/streamed-response.ts"
import { readTrace, TRACE_HEADERS } from "../request-trace.ts"
import type { Route } from "../route.ts"

const MEDIA_TYPES = [JSON_TYPE, CLOUD_EVENT_BATCH, NDJSON]

/** Events in a batch at the most; of lines there are any number. */
const MAX_BATCH_SIZE = 1_000

const BatchResultSchema = z
  .object({
    count: z.number().int().openapi({ description: "How many events were stored." }),
    failed: z.number().int(),
    events: z.array(
      z.union([
        ReceiptSchema,
        z.object({
          index: z.number().int(),
          status: z.literal("failed"),
          problem: z.record(z.string(), z.unknown()),
        }),
      ]),
    ),
  })
  .openapi("BatchResult")

/** Where every event of a batch fails, the first gives the status. */
const orBatchResult = ([status, problem]: [string, ReturnType<typeof problemResponses>[string]]) => {
  const content = { ...problem?.content, [JSON_TYPE]: { schema: BatchResultSchema } }
  return [
    status,
    { description: `${problem?.description}; or of all events, with the first of them`, content },
  ]
}

const description = (): Route["description"] => ({
  summary: "Publish up to 1,000 events, or any number a line each",
  description:
    "Each event is stored or refused on its own; the answer has them in the order sent. Where none is stored, the " +
    "status is that of the first failure. With `application/x-ndjson` events are read as they come, and lines wait " +
    "while a queue is full.",
  tags: ["Events"],
  request: {
    headers: TRACE_HEADERS,
    body: {
      required: true,
      content: {
        [JSON_TYPE]: {
          schema: {
            type: "object",
            required: ["events"],
            additionalProperties: false,
            properties: {
              events: {
                type: "array",
                minItems: 1,
                maxItems: MAX_BATCH_SIZE,
                items: eventDraftJsonSchema(),
              },
            },
            example: {
              events: [EVENT_EXAMPLE, { type: "user", name: "login", payload: { user_id: "u-7" } }],
            },
          },
        },
        [CLOUD_EVENT_BATCH]: {
          schema: {
            type: "array",
            minItems: 1,
            maxItems: MAX_BATCH_SIZE,
            items: cloudEventJsonSchema(),
            example: [CLOUD_EVENT_EXAMPLE],
          },
        },
        [NDJSON]: {
          schema: {
            type: "string",
            description: "An event a line.",
            example: `${JSON.stringify(EVENT_EXAMPLE)}\n`,
          },
        },
      },
    },
  },
  responses: {
    200: {
      description:
        "A line for each line of an `application/x-ndjson`, in their order, while others are still to come: what " +
        "became of each. What ends the body early is the last line.",
      content: { [NDJSON]: { schema: z.string() } },
    },
    201: jsonResponse("All are stored", BatchResultSchema),
    207: jsonResponse("Some are stored", BatchResultSchema),
    ...Object.fromEntries(
      Object.entries(problemResponses(...EVENT_PROBLEMS, "forbidden")).map(orBatchResult),
    ),
  },
})

export const publishBatch = (context: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/events/batch",
  scope: "publish",
  eventTypes: "limited",
  description: description(),
  handler(request) {
    const { headers, key } = request
    const publishing = { publisher: context.publisher, key, trace: readTrace(headers) }
    return mediaTypeOf(headers) === NDJSON
      ? answerLines(publishing, request, context)
      : answerBatch(publishing, request, context)
  },
})

async function answerBatch(
  publishing: Publishing,
  { headers, body, allowance, requestId }: RouteRequest,
  { maxBatchBytes, maxBodyBytes, bodies: { turns } }: HttpContext,
): Promise<Response> {
  requireType(headers, MEDIA_TYPES)
  const isCloudEvents = mediaTypeOf(headers) === CLOUD_EVENT_BATCH
  const format = isCloudEvents ? AS_CLOUD_EVENT : ENVELOPE
  const splitter = new BatchSplitter({
    shape: isCloudEvents ? "array" : "object",
    maxItems: MAX_BATCH_SIZE,
    maxItemBytes: maxBodyBytes,
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of body.chunks(maxBatchBytes)) chunks.push(chunk)
  const items = await splitBatch(chunks, splitter, turns)
  const batch = new EventBatch(items, maxBodyBytes, turns)
  await batch.parse()
  // One was taken for the request.
  allowance?.charge(items.length - 1)
  const answer = new BatchAnswer(requestId)
  await batch.publish(
    (input) => publishAs(format, input, publishing),
    (result) => answer.add(result),
  )
  return answer.response()
}

function answerLines(
  publishing: Publishing,
  request: RouteRequest,
  { keys, maxBodyBytes, bodies: { turns } }: HttpContext,
): Response {
  const revoked = (request.key && keys?.revocationOf(request.key)) ?? null
  const ending = revoked === null ? request.stopping : AbortSignal.any([request.stopping, revoked])
  const lines = new EventLines({
    ...publishing,
    requestId: request.requestId,
    allowance: request.allowance,
    maxLineBytes: maxBodyBytes,
    turns,
    signal: request.stopping,
    revoked,
  })
  return streamedResponse(lines.answers(request.body.upload(ending)), NDJSON, request)
}
