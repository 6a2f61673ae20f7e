import type { OpenAPIHono } from "@hono/zod-openapi"
import { BEARER_SCHEME, HEADER_SCHEME } from "../access/scope.ts"
import { cloudEventJsonSchema, eventDraftJsonSchema, eventJsonSchema } from "./envelope-json-schema.ts"

type Registry = OpenAPIHono["openAPIRegistry"]

/** A reference to a component. */
export interface Reference {
  readonly $ref: string
}

/** Schemas that are not made of zod's, by name. */
const SCHEMAS = {
  EventDraft: eventDraftJsonSchema,
  Event: eventJsonSchema,
  CloudEvent: cloudEventJsonSchema,
}

const text = (description: string, example: string) => ({
  description,
  schema: { type: "string" as const },
  example,
})

/** Headers of responses, by component name. */
const HEADERS = {
  RequestId: text(
    "Id of the request: its own `X-Request-Id`, or a new one. It is also in the log.",
    "01a20ace-2fda-767d-a7a1-4165c653944a",
  ),
  RetryAfter: {
    description: "Seconds after which to try again. Only with a problem that passes by itself.",
    schema: { type: "integer" as const, minimum: 0 },
    example: 1,
  },
  RateLimit: text(
    "Rest of the key's rate: `r` requests, and the full rate again in `t` seconds. Only if `RATE_LIMIT` is set.",
    '"key";r=99;t=1',
  ),
  RateLimitPolicy: text(
    "The key's rate: `q` requests in `w` seconds. Only if `RATE_LIMIT` is set.",
    '"key";q=100;w=1',
  ),
  WwwAuthenticate: text("How to send a key.", 'Bearer realm="event-broker"'),
}

const SECURITY_SCHEMES = {
  [BEARER_SCHEME]: {
    type: "http" as const,
    scheme: "bearer",
    description: "A key of `API_KEYS_FILE`, as `Authorization: Bearer <key>`.",
  },
  [HEADER_SCHEME]: {
    type: "apiKey" as const,
    in: "header" as const,
    name: "X-API-Key",
    description: "The same key, in a header of its own.",
  },
}

export const schemaReference = (name: keyof typeof SCHEMAS): Reference => ({
  $ref: `#/components/schemas/${name}`,
})

export const headerReference = (name: keyof typeof HEADERS): Reference => ({
  $ref: `#/components/headers/${name}`,
})

/** Registers what operations refer to by name. */
export function registerComponents(registry: Registry): void {
  for (const [name, schema] of Object.entries(SCHEMAS)) registry.registerComponent("schemas", name, schema())
  for (const [name, header] of Object.entries(HEADERS)) registry.registerComponent("headers", name, header)
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) {
    registry.registerComponent("securitySchemes", name, scheme)
  }
}
