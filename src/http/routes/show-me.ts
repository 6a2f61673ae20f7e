import { z } from "@hono/zod-openapi"
import { EVENT_TYPES } from "../../event/event-type.ts"
import { SCOPES } from "../access/scope.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

const MeSchema = z
  .object({
    name: z.string().nullable().openapi({ description: "Name of the key; null if the service has no keys." }),
    scopes: z
      .array(z.enum(SCOPES))
      .openapi({ description: "What the key allows; everything if the service has no keys." }),
    types: z
      .array(z.enum(EVENT_TYPES))
      .nullable()
      .openapi({ description: "Event types that the key is limited to; null if there is no limit." }),
    has_history: z.boolean().openapi({ description: "True if the service records what becomes of events." }),
    console: z.object({
      mode: z.enum(["on", "read-only", "off"]),
      label: z.string().openapi({ description: "Name of the environment; empty if it has none." }),
    }),
    version: z.string(),
    engine: z.string(),
  })
  .openapi("Me")

type Me = z.infer<typeof MeSchema>

const EXAMPLE: Me = {
  name: "operator",
  scopes: ["publish", "read", "admin"],
  types: null,
  has_history: true,
  console: { mode: "on", label: "staging" },
  version: "0.1.0",
  engine: "embedded",
}

export const showMe = ({ console, version, engine, history }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/me",
  scope: "any",
  eventTypes: "unaffected",
  description: {
    operationId: "getMe",
    summary: "Get what the key of this request allows",
    description: "Also shows how the console is configured, the version and the engine.",
    tags: ["Service"],
    responses: { 200: jsonResponse("The key", MeSchema, EXAMPLE) },
  },
  handler: ({ key, requestId }) =>
    jsonAnswer<Me>(requestId, {
      name: key?.name ?? null,
      scopes: [...(key?.scopes ?? SCOPES)],
      types: key?.types === undefined ? null : [...key.types],
      has_history: history !== null,
      console,
      version,
      engine: engine.name,
    }),
})
