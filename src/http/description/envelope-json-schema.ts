import { toJsonSchema } from "@valibot/to-json-schema"
import { EventDraftSchema, EventSchema } from "../../event/envelope.ts"
import { PRIORITIES } from "../../event/priority.ts"

/** A schema as OpenAPI 3.1 and AsyncAPI 3 write it: one of an object, with named properties. */
export interface ObjectJsonSchema {
  readonly type: "object"
  readonly [keyword: string]: unknown
}

/** A JSON object of any content. Without `additionalProperties`, generators take it for one without properties. */
const ANY_OBJECT = { type: "object", additionalProperties: true } as const

export const EVENT_EXAMPLE = {
  type: "voice",
  name: "speech_recognized",
  payload: { call_id: "c-1", text: "hello" },
  priority: "high",
}

/** The event of `EVENT_EXAMPLE`, as it is stored. */
export const STORED_EVENT_EXAMPLE = {
  id: "01a20ace-2fd0-77d8-8956-d3985157a5fb",
  ...EVENT_EXAMPLE,
  routing_key: "events.voice.speech_recognized",
  metadata: {},
  timestamp: 1_795_477_614.544,
  status: "pending",
  retry_count: 0,
}

/**
 * The JSON Schema of a published event, made from the one definition of the envelope. A plain schema, not
 * zod's: the OpenAPI app then describes the body and leaves its validation to the publisher.
 */
export const eventDraftJsonSchema = (): ObjectJsonSchema => ({
  ...jsonSchemaOf(EventDraftSchema),
  description: "An event to publish. Fields that are not listed are rejected.",
  example: EVENT_EXAMPLE,
})

/** The JSON Schema of an event as it is stored. */
export const eventJsonSchema = (): ObjectJsonSchema => ({
  ...jsonSchemaOf(EventSchema),
  description: "An event as it is stored and delivered.",
  example: STORED_EVENT_EXAMPLE,
})

function jsonSchemaOf(envelope: typeof EventDraftSchema | typeof EventSchema): ObjectJsonSchema {
  const { $schema: _, ...schema } = toJsonSchema(envelope, {
    typeMode: "input",
    errorMode: "ignore",
    // A JSON object is a type of our own in the envelope.
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === "custom" ? ANY_OBJECT : undefined),
  })
  return { ...schema, type: "object" }
}

const text = (description: string) => ({ type: "string", minLength: 1, description })

/** The JSON Schema of a CloudEvent. Source: CloudEvents, JSON event format, v1.0.2. */
export const cloudEventJsonSchema = (): ObjectJsonSchema => ({
  type: "object",
  required: ["specversion", "id", "source", "type"],
  properties: {
    specversion: { type: "string", const: "1.0" },
    id: text("Id of the event."),
    source: text("Origin of the event. Stored as metadata."),
    type: text(
      "`<type>.<name>`, with one of the five types of event. Any other text is the name of an event of the type `custom`.",
    ),
    subject: text("Subject of the event. Stored as metadata."),
    time: { ...text("When the event happened. Stored as metadata."), format: "date-time" },
    datacontenttype: text("Media type of `data`. Default: `application/json`."),
    dataschema: text("URI of the schema of `data`. Stored as metadata."),
    data: { ...ANY_OBJECT, description: "Payload. Default: an empty object. `data_base64` is rejected." },
    partitionkey: text("Ordering key."),
    priority: { type: "string", enum: PRIORITIES, description: "Priority. Default: `medium`." },
    routingkey: { type: "string", description: "Routing key. Default: `events.<type>.<name>`." },
    schemaversion: {
      type: ["integer", "string"],
      description: "Version of the payload's schema. Default: the highest.",
    },
    traceparent: text("Trace of the event (W3C Trace Context), unless the request has the header."),
    tracestate: text("State of the trace."),
  },
  // A narrower type would forbid `data` in clients: TypeScript holds every property to an index signature.
  additionalProperties: true,
  description:
    "A CloudEvent 1.0 in structured mode. Other attributes are stored as metadata; each is a string, a boolean or an " +
    "integer of 32 bits, with a name of lower-case letters and digits.",
  example: CLOUD_EVENT_EXAMPLE,
})

export const CLOUD_EVENT_EXAMPLE = {
  specversion: "1.0",
  id: "c-1/ended",
  source: "/calls",
  type: "voice.call.ended",
  subject: "c-1",
  data: { call_id: "c-1", duration_seconds: 62 },
}
