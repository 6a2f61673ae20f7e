import type { OpenAPIHono } from "@hono/zod-openapi"
import { BEARER_SCHEME, HEADER_SCHEME } from "../access/scope.ts"
import { cloudEventJsonSchema, eventDraftJsonSchema, eventJsonSchema } from "./envelope-json-schema.ts"

type Registry = OpenAPIHono["openAPIRegistry"]

/** A reference to a component. */
export interface Reference {
  readonly $ref: string
}

/** Schemas that are not generated from zod, by name. */
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
    "Id of the request: its `X-Request-Id`, or a new id. The log has it, too.",
    "01a20ace-2fda-767d-a7a1-4165c653944a",
  ),
  IdempotencyReplayed: text(
    "`true` if the request repeats an earlier one with the same `Idempotency-Key`, and stored nothing.",
    "true",
  ),
  RetryAfter: {
    description: "Seconds to wait before trying again. Sent only with problems that pass by themselves.",
    schema: { type: "integer" as const, minimum: 0 },
    example: 1,
  },
  RateLimit: text(
    "Remaining rate of the key: `r` requests now, and the full rate again in `t` seconds. Sent only if `RATE_LIMIT` is set.",
    '"key";r=99;t=1',
  ),
  RateLimitPolicy: text(
    "Rate of the key: `q` requests per `w` seconds. Sent only if `RATE_LIMIT` is set.",
    '"key";q=100;w=1',
  ),
  WwwAuthenticate: text("How to send a key.", 'Bearer realm="event-broker"'),
}

const SECURITY_SCHEMES = {
  [BEARER_SCHEME]: {
    type: "http" as const,
    scheme: "bearer",
    description: "A key from `API_KEYS_FILE`, as `Authorization: Bearer <key>`.",
  },
  [HEADER_SCHEME]: {
    type: "apiKey" as const,
    in: "header" as const,
    name: "X-API-Key",
    description: "The same key, in the header `X-API-Key`.",
  },
}

export const schemaReference = (name: keyof typeof SCHEMAS): Reference => ({
  $ref: `#/components/schemas/${name}`,
})

export const headerReference = (name: keyof typeof HEADERS): Reference => ({
  $ref: `#/components/headers/${name}`,
})

/** Registers the components that operations refer to by name. */
export function registerComponents(registry: Registry): void {
  for (const [name, schema] of Object.entries(SCHEMAS)) registry.registerComponent("schemas", name, schema())
  for (const [name, header] of Object.entries(HEADERS)) registry.registerComponent("headers", name, header)
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) {
    registry.registerComponent("securitySchemes", name, scheme)
  }
}
