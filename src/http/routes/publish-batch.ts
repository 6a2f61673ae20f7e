import { z } from "@hono/zod-openapi"
import { Fingerprint } from "../../publisher/deduplication.ts"
import type { HttpContext } from "../context.ts"
import { schemaReference } from "../description/components.ts"
import { CLOUD_EVENT_EXAMPLE, EVENT_EXAMPLE } from "../description/envelope-json-schema.ts"
import { problemExample } from "../description/problem-examples.ts"
import { ProblemSchema } from "../description/problem-schema.ts"
import {
  EVENT_PROBLEMS,
  jsonResponse,
  type ProblemResponse,
  problemResponses,
} from "../description/responses.ts"
import { CLOUD_EVENT_BATCH, JSON_TYPE, mediaTypeOf, NDJSON, requireType } from "../media-type.ts"
import type { ProblemSlug } from "../problem.ts"
import { BatchAnswer } from "../publishing/batch-answer.ts"
import { BatchSplitter } from "../publishing/batch-splitter.ts"
import { EventBatch, splitBatch } from "../publishing/event-batch.ts"
import { AS_CLOUD_EVENT, ENVELOPE, type Publishing, publishAs } from "../publishing/event-format.ts"
import { EventLines } from "../publishing/event-lines.ts"
import { BatchQuerySchema, firstLineOf } from "../publishing/first-line.ts"
import type { KeyedRequest } from "../publishing/keyed-requests.ts"
import { PUBLISH_HEADERS } from "../publishing/publish-headers.ts"
import { EXAMPLE_RECEIPT, ReceiptSchema } from "../publishing/receipt.ts"
import { streamedResponse } from "../publishing/streamed-response.ts"
import { readTrace } from "../request-trace.ts"
import type { Route, RouteRequest } from "../route.ts"

const MEDIA_TYPES = [JSON_TYPE, CLOUD_EVENT_BATCH, NDJSON]

/** Most events in a batch. NDJSON has no limit. */
const MAX_BATCH_SIZE = 1_000

const FailedSchema = z
  .object({
    index: z.number().int().openapi({ description: "Position of the event in the batch, from 0." }),
    status: z.literal("failed"),
    problem: ProblemSchema,
  })
  .openapi("FailedEvent")

const BatchResultSchema = z
  .object({
    count: z.number().int().openapi({ description: "Number of stored events." }),
    failed: z.number().int().openapi({ description: "Number of events without a confirm." }),
    events: z.array(z.union([ReceiptSchema, FailedSchema])),
  })
  .openapi("BatchResult")

const RECEIPT_EXAMPLE = { count: 1, failed: 0, events: [EXAMPLE_RECEIPT] }

const PARTLY_EXAMPLE = {
  count: 1,
  failed: 1,
  events: [EXAMPLE_RECEIPT, failedEvent("unroutable", 1)],
}

function failedEvent(slug: ProblemSlug, index: number): z.infer<typeof FailedSchema> {
  const { errors, ...problem } = problemExample(slug, { isPublish: true })
  return {
    index,
    status: "failed",
    problem: { ...problem, ...(errors !== undefined && { errors: errors.map((each) => ({ ...each })) }) },
  }
}

/** If every event of a batch fails, the first failure sets the status. */
const orBatchResult = ([status, problem]: [string, ProblemResponse]) => [
  status,
  {
    description: "If no event is stored, this is the status of the first failure",
    content: { ...problem.content, [JSON_TYPE]: { schema: BatchResultSchema } },
  },
]

const description = (): Route["description"] => ({
  operationId: "publishBatch",
  summary: "Publish up to 1,000 events, or a stream of any length",
  description:
    "Each event is stored or rejected on its own; the response lists them in the order sent. If none is stored, the status " +
    "is that of the first failure. `application/x-ndjson` takes any number of events, one per line: events are read as they " +
    "arrive, and lines wait while a queue is full. With an `Idempotency-Key`, a request that is repeated stores only the " +
    "events that were not stored yet.",
  tags: ["Events"],
  request: {
    headers: PUBLISH_HEADERS,
    query: BatchQuerySchema,
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
                items: schemaReference("EventDraft"),
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
            items: schemaReference("CloudEvent"),
            example: [CLOUD_EVENT_EXAMPLE],
          },
        },
        [NDJSON]: {
          schema: {
            type: "string",
            description: "One event per line.",
            example: `${JSON.stringify(EVENT_EXAMPLE)}\n`,
          },
        },
      },
    },
  },
  responses: {
    200: {
      description:
        "Response to `application/x-ndjson`: a receipt or a failure for each line, in order, sent while further lines " +
        "arrive. If the body ends early, the last line says why.",
      content: { [NDJSON]: { schema: z.string(), example: `${JSON.stringify(EXAMPLE_RECEIPT)}\n` } },
    },
    201: jsonResponse("All events are stored", BatchResultSchema, RECEIPT_EXAMPLE),
    207: jsonResponse("Some events are stored", BatchResultSchema, PARTLY_EXAMPLE),
    ...Object.fromEntries(
      Object.entries(problemResponses(...EVENT_PROBLEMS, "forbidden")).map(orBatchResult),
    ),
  },
})

export const publishBatch = (context: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/events/batch",
  scope: "publish",
  isPublish: true,
  eventTypes: "limited",
  description: description(),
  handler(request) {
    const { headers, key, query } = request
    const publishing = { publisher: context.publisher, key, trace: readTrace(headers) }
    const hasLines = mediaTypeOf(headers) === NDJSON
    const firstLine = query === "" ? 1 : firstLineOf(query, hasLines)
    const keyed = context.keyed.begin(headers, key)
    return hasLines
      ? answerLines(publishing, keyed, firstLine, request, context)
      : answerBatch(publishing, keyed, request, context)
  },
})

async function answerBatch(
  publishing: Publishing,
  keyed: KeyedRequest | null,
  { headers, body, allowance, requestId }: RouteRequest,
  { maxBatchBytes, maxBodyBytes, bodies: { turns } }: HttpContext,
): Promise<Response> {
  using _ = keyed
  requireType(headers, MEDIA_TYPES)
  const fingerprint = keyed && new Fingerprint("batch", mediaTypeOf(headers))
  const isCloudEvents = mediaTypeOf(headers) === CLOUD_EVENT_BATCH
  const format = isCloudEvents ? AS_CLOUD_EVENT : ENVELOPE
  const splitter = new BatchSplitter({
    shape: isCloudEvents ? "array" : "object",
    maxItems: MAX_BATCH_SIZE,
    maxItemBytes: maxBodyBytes,
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of body.chunks(maxBatchBytes)) chunks.push(chunk)
  const items = await splitBatch(chunks, splitter, turns, fingerprint)
  const batch = new EventBatch(items, maxBodyBytes, turns)
  await batch.parse()
  // The request itself has taken one token.
  allowance?.charge(items.length - 1)
  const answer = new BatchAnswer(requestId)
  const content = fingerprint?.end() ?? ""
  await batch.publish(
    (input, index) => publishAs(format, input, publishing, keyed?.ofEvent(index, content, null)),
    (result) => answer.add(result),
  )
  const response = answer.response()
  if (response.status === 201) keyed?.answered()
  return response
}

function answerLines(
  publishing: Publishing,
  keyed: KeyedRequest | null,
  firstLine: number,
  request: RouteRequest,
  { keys, maxBodyBytes, bodies: { turns } }: HttpContext,
): Response {
  using held = new DisposableStack()
  held.use(keyed)
  const revoked = (request.key && keys?.revocationOf(request.key)) ?? null
  const { exchange } = request
  const { stopping } = exchange
  const ending = revoked === null ? stopping : AbortSignal.any([stopping, revoked])
  const lines = new EventLines({
    ...publishing,
    keyed,
    firstLine,
    requestId: request.requestId,
    allowance: request.allowance,
    maxLineBytes: maxBodyBytes,
    turns,
    signal: stopping,
    revoked,
  })
  const response = streamedResponse(lines.answers(request.body.upload(ending)), NDJSON, exchange)
  // From here on, the answers hold the key.
  held.move()
  return response
}
