import { isBatch } from "../../event/batch.ts"
import { EventInvalidError } from "../../event/errors.ts"
import type { HttpContext } from "../context.ts"
import { schemaReference } from "../description/components.ts"
import { CLOUD_EVENT_EXAMPLE, EVENT_EXAMPLE } from "../description/envelope-json-schema.ts"
import { EVENT_PROBLEMS, jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { CLOUD_EVENT, JSON_TYPE, mediaTypeOf } from "../media-type.ts"
import { isBinaryCloudEvent, readBinaryCloudEvent } from "../publishing/binary-cloud-event.ts"
import { AS_CLOUD_EVENT, ENVELOPE, type EventFormat, publishAs } from "../publishing/event-format.ts"
import { EXAMPLE_RECEIPT, ReceiptSchema, toReceipt } from "../publishing/receipt.ts"
import type { RequestBody } from "../request-body.ts"
import { readTrace, TRACE_HEADERS } from "../request-trace.ts"
import type { Route } from "../route.ts"

const BATCH_ADVICE = 'must be one event; send a batch, {"events":[…]}, to /api/v1/events/batch'

const MEDIA_TYPES = [JSON_TYPE, CLOUD_EVENT]

export const publishEvent = ({ publisher, maxBodyBytes }: HttpContext): Route => ({
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
      "mode, and in binary mode with `ce-` headers and the data as the body.",
    tags: ["Events"],
    request: {
      headers: TRACE_HEADERS,
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
  async handler({ headers, requestId, key, body }) {
    const { format, input } = await readEvent(headers, body, maxBodyBytes)
    const event = await publishAs(format, input, { publisher, key, trace: readTrace(headers) })
    return jsonAnswer(requestId, toReceipt(event), 201)
  },
})

async function readEvent(
  headers: Headers,
  body: RequestBody,
  maxBytes: number,
): Promise<{ readonly format: EventFormat; readonly input: unknown }> {
  const isStructured = mediaTypeOf(headers) === CLOUD_EVENT
  if (!isStructured && isBinaryCloudEvent(headers)) {
    return { format: AS_CLOUD_EVENT, input: await readBinaryCloudEvent(headers, body, maxBytes) }
  }
  const input = await body.json(maxBytes, MEDIA_TYPES)
  if (isStructured) return { format: AS_CLOUD_EVENT, input }
  if (isBatch(input)) throw new EventInvalidError([{ pointer: "", message: BATCH_ADVICE }])
  return { format: ENVELOPE, input }
}
