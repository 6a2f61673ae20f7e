import { toJsonSchema } from "@valibot/to-json-schema"
import { EventDraftSchema, EventSchema } from "../../event/envelope.ts"
import { PRIORITIES } from "../../event/priority.ts"

/**
 * The JSON Schema of what is published, made from the one definition of the envelope. A plain schema, not
 * zod's: the OpenAPI app then describes the body and leaves its validation to the publisher.
 */
export function eventDraftJsonSchema(): Record<string, unknown> {
  return { ...jsonSchemaOf(EventDraftSchema), example: EVENT_EXAMPLE }
}

/** The JSON Schema of an event as it is stored. */
export const eventJsonSchema = (): Record<string, unknown> => jsonSchemaOf(EventSchema)

function jsonSchemaOf(envelope: typeof EventDraftSchema | typeof EventSchema): Record<string, unknown> {
  const { $schema: _, ...schema } = toJsonSchema(envelope, {
    typeMode: "input",
    errorMode: "ignore",
    // A JSON object is a type of our own in the envelope.
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === "custom" ? { type: "object" } : undefined),
  })
  return schema
}

export const EVENT_EXAMPLE = {
  type: "voice",
  name: "speech_recognized",
  payload: { call_id: "c-1", text: "hello" },
  priority: "high",
}

/** The JSON Schema of a CloudEvent. Source: CloudEvents, JSON event format, v1.0.2. */
export function cloudEventJsonSchema(): Record<string, unknown> {
  const text = { type: "string", minLength: 1 }
  return {
    type: "object",
    required: ["specversion", "id", "source", "type"],
    properties: {
      specversion: { const: "1.0" },
      id: { ...text, description: "The event's id." },
      source: { ...text, description: "Metadata, as all attributes that are not named here." },
      type: { ...text, description: "`<type>.<name>`; any other is of the type `custom`." },
      data: { type: "object", description: "The payload." },
      partitionkey: { ...text, description: "The ordering key." },
      priority: { enum: PRIORITIES },
      routingkey: { type: "string", description: "The topic." },
      schemaversion: { description: "The version of the payload's schema." },
    },
    example: CLOUD_EVENT_EXAMPLE,
  }
}

export const CLOUD_EVENT_EXAMPLE = {
  specversion: "1.0",
  id: "c-1/ended",
  source: "/calls",
  type: "voice.call.ended",
  subject: "c-1",
  data: { call_id: "c-1", duration_seconds: 62 },
}
