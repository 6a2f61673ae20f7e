import { toJsonSchema } from "@valibot/to-json-schema"
import { EventDraftSchema } from "../event/envelope.ts"

/**
 * The JSON Schema of what is published, made from the one definition of the envelope. A plain schema, not
 * zod's: the OpenAPI app then describes the body and leaves its validation to the publisher.
 */
export function eventDraftJsonSchema(): Record<string, unknown> {
  const { $schema: _, ...schema } = toJsonSchema(EventDraftSchema, {
    typeMode: "input",
    errorMode: "ignore",
    // A JSON object is a type of our own in the envelope.
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === "custom" ? { type: "object" } : undefined),
  })
  return { ...schema, example: EXAMPLE }
}

const EXAMPLE = {
  type: "voice",
  name: "speech_recognized",
  payload: { call_id: "c-1", text: "hello" },
  priority: "high",
}
