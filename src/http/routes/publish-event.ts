import { isBatch } from "../../event/batch.ts"
import { EventInvalidError } from "../../event/errors.ts"
import { Fingerprint } from "../../publisher/deduplication.ts"
import type { HttpContext } from "../context.ts"
import { schemaReference } from "../description/components.ts"
import { CLOUD_EVENT_EXAMPLE, EVENT_EXAMPLE } from "../description/envelope-json-schema.ts"
import { EVENT_PROBLEMS, jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { CLOUD_EVENT, JSON_TYPE, mediaTypeOf } from "../media-type.ts"
import { contentHeaders, isBinaryCloudEvent, readBinaryCloudEvent } from "../publishing/binary-cloud-event.ts"
import { AS_CLOUD_EVENT, ENVELOPE, type EventFormat, publishAs } from "../publishing/event-format.ts"
import { IDEMPOTENCY_REPLAYED, type KeyedRequest } from "../publishing/keyed-requests.ts"
import { PUBLISH_HEADERS } from "../publishing/publish-headers.ts"
import { EXAMPLE_RECEIPT, ReceiptSchema, toReceipt } from "../publishing/receipt.ts"
import type { RequestBody } from "../request-body.ts"
import { readTrace } from "../request-trace.ts"
import type { Route, RouteRequest } from "../route.ts"

const BATCH_ADVICE = 'must be one event; send a batch, {"events":[…]}, to /api/v1/events/batch'

const MEDIA_TYPES = [JSON_TYPE, CLOUD_EVENT]

export const publishEvent = (context: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/events",
  scope: "publish",
  isPublish: true,
  eventTypes: "limited",
  description: {
    operationId: "publishEvent",
    summary: "Publish an event",
    description:
      "Answers 201 when the event is stored on every queue that it is routed to. Accepts CloudEvents 1.0 in structured " +
      "mode, and in binary mode with `ce-` headers and the data as the body. An event that is published again with the same " +
      "`id` or `Idempotency-Key` is stored once.",
    tags: ["Events"],
    request: {
      headers: PUBLISH_HEADERS,
      body: {
        required: true,
        content: {
          [JSON_TYPE]: { schema: schemaReference("EventDraft"), example: EVENT_EXAMPLE },
          [CLOUD_EVENT]: { schema: schemaReference("CloudEvent"), example: CLOUD_EVENT_EXAMPLE },
        },
      },
    },
    responses: {
      201: jsonResponse("The event is stored", ReceiptSchema, EXAMPLE_RECEIPT),
      ...problemResponses(...EVENT_PROBLEMS),
    },
  },
  handler(request) {
    const keyed = context.keyed.begin(request.headers, request.key)
    return keyed === null ? answer(request, context) : answerKeyed(request, context, keyed)
  },
})

async function answer(
  { headers, requestId, key, body }: RouteRequest,
  { publisher, maxBodyBytes }: HttpContext,
): Promise<Response> {
  const { format, input } = await readEvent(headers, body, maxBodyBytes)
  const event = await publishAs(format, input, { publisher, key, trace: readTrace(headers) })
  return jsonAnswer(requestId, toReceipt(event), 201)
}

async function answerKeyed(
  { headers, requestId, key, body }: RouteRequest,
  { publisher, maxBodyBytes }: HttpContext,
  keyed: KeyedRequest,
): Promise<Response> {
  using _ = keyed
  const fingerprint = new Fingerprint("event", ...contentHeaders(headers))
  const onBytes = (bytes: Uint8Array): void => fingerprint.update(bytes)
  const { format, input } = await readEvent(headers, body, maxBodyBytes, onBytes)
  const marks = keyed.ofOnly(fingerprint.end())
  const event = await publishAs(format, input, { publisher, key, trace: readTrace(headers) }, marks)
  keyed.answered()
  const response = jsonAnswer(requestId, toReceipt(event), 201)
  if (event.replayed === true) response.headers.set(IDEMPOTENCY_REPLAYED, "true")
  return response
}

async function readEvent(
  headers: Headers,
  body: RequestBody,
  maxBytes: number,
  onBytes?: (bytes: Uint8Array) => void,
): Promise<{ readonly format: EventFormat; readonly input: unknown }> {
  const isStructured = mediaTypeOf(headers) === CLOUD_EVENT
  if (!isStructured && isBinaryCloudEvent(headers)) {
    return { format: AS_CLOUD_EVENT, input: await readBinaryCloudEvent(headers, body, maxBytes, onBytes) }
  }
  const input = await body.json(maxBytes, MEDIA_TYPES, onBytes)
  if (isStructured) return { format: AS_CLOUD_EVENT, input }
  if (isBatch(input)) throw new EventInvalidError([{ pointer: "", message: BATCH_ADVICE }])
  return { format: ENVELOPE, input }
}
