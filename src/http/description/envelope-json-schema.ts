import { toJsonSchema } from "@valibot/to-json-schema"
import { mostCharactersOf } from "../../event/characters.ts"
import { EventDraftSchema, EventSchema } from "../../event/envelope.ts"
import { PRIORITIES } from "../../event/priority.ts"

/** The schema of an object with named properties, as OpenAPI 3.1 and AsyncAPI 3 write it. */
export interface ObjectJsonSchema {
  readonly type: "object"
  readonly [keyword: string]: unknown
}

/**
 * A JSON object with any content. Without `additionalProperties`, generators read it as an object without
 * properties.
 */
const ANY_OBJECT = { type: "object", additionalProperties: true } as const

export const EVENT_EXAMPLE = {
  type: "voice",
  name: "speech_recognized",
  payload: { call_id: "c-1", text: "hello" },
  priority: "high",
}

/** The event of `EVENT_EXAMPLE` as it is stored. */
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
 * Returns the JSON Schema of a published event, generated from the envelope. It is a plain schema, not zod's,
 * because the publisher validates the body, not the OpenAPI app.
 */
export const eventDraftJsonSchema = (): ObjectJsonSchema => ({
  ...jsonSchemaOf(EventDraftSchema),
  description: "An event to publish. Fields that are not listed are rejected.",
  example: EVENT_EXAMPLE,
})

/** Returns the JSON Schema of a stored event. */
export const eventJsonSchema = (): ObjectJsonSchema => ({
  ...jsonSchemaOf(EventSchema),
  description: "An event as it is stored and delivered.",
  example: STORED_EVENT_EXAMPLE,
})

function jsonSchemaOf(envelope: typeof EventDraftSchema | typeof EventSchema): ObjectJsonSchema {
  const { $schema: _, ...schema } = toJsonSchema(envelope, {
    typeMode: "input",
    errorMode: "ignore",
    // The envelope defines JSON objects with a custom type.
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === "custom" ? ANY_OBJECT : undefined),
    overrideAction: ({ valibotAction, jsonSchema }) => {
      const maxLength = mostCharactersOf(valibotAction)
      return maxLength === undefined ? undefined : { ...jsonSchema, maxLength }
    },
  })
  return { ...schema, type: "object" }
}

const text = (description: string) => ({ type: "string", minLength: 1, description })

/** Returns the JSON Schema of a CloudEvent. Source: CloudEvents, JSON event format, v1.0.2. */
export const cloudEventJsonSchema = (): ObjectJsonSchema => ({
  type: "object",
  required: ["specversion", "id", "source", "type"],
  properties: {
    specversion: { type: "string", const: "1.0" },
    id: text("Id of the event."),
    source: text("Origin of the event. Stored as metadata."),
    type: text(
      "`<type>.<name>`, with one of the five event types. Any other text becomes the name of an event of type `custom`.",
    ),
    subject: text("Subject of the event. Stored as metadata."),
    time: { ...text("Time when the event happened. Stored as metadata."), format: "date-time" },
    datacontenttype: text("Media type of `data`. Default: `application/json`."),
    dataschema: text("URI of the schema of `data`. Stored as metadata."),
    data: { ...ANY_OBJECT, description: "Payload. Default: an empty object. `data_base64` is rejected." },
    partitionkey: text("Ordering key."),
    priority: { type: "string", enum: PRIORITIES, description: "Priority. Default: `medium`." },
    routingkey: { type: "string", description: "Routing key. Default: `events.<type>.<name>`." },
    schemaversion: {
      type: ["integer", "string"],
      description: "Version of the payload's schema. Default: the highest version.",
    },
    traceparent: text(
      "Trace of the event (W3C Trace Context). The request header `traceparent` overrides it.",
    ),
    tracestate: text("Trace state (W3C Trace Context)."),
  },
  // A narrower type would forbid `data` in clients, because TypeScript checks every property against an index
  // signature.
  additionalProperties: true,
  description:
    "A CloudEvent 1.0 in structured mode. Other attributes are stored as metadata; each is a string, a boolean or a " +
    "32-bit integer, with a name of lower-case letters and digits.",
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
