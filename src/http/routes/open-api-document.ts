import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { describeApi } from "../description/open-api.ts"
import { jsonResponse } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

/** @param routesOf returns all routes, this one included; called when the document is first requested */
export function openApiDocument({ version }: HttpContext, routesOf: () => readonly Route[]): Route {
  let document: unknown
  return {
    method: "GET",
    path: "/openapi.json",
    scope: "open",
    eventTypes: "unaffected",
    description: {
      operationId: "getOpenApiDocument",
      summary: "Get this OpenAPI 3.1 document",
      description: "Generate a client from it, or open it in a tool of your choice.",
      tags: ["Service"],
      responses: {
        200: jsonResponse("The document", z.looseObject({ openapi: z.string() }), { openapi: "3.1.0" }),
      },
    },
    handler({ requestId }) {
      document ??= describeApi(routesOf(), version)
      return jsonAnswer(requestId, document)
    },
  }
}
