import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { describeMessages } from "../description/async-api.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

export const asyncApiDocument = ({ engine, catalog, exchange, version }: HttpContext): Route => ({
  method: "GET",
  path: "/asyncapi.json",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "getAsyncApiDocument",
    summary: "Get the AsyncAPI 3 document",
    description:
      "Describes the exchange, queues and events, for programs that consume from RabbitMQ themselves.",
    tags: ["Service"],
    responses: {
      200: jsonResponse("The document", z.looseObject({ asyncapi: z.string() }), { asyncapi: "3.0.0" }),
      ...problemResponses("engine-unavailable"),
    },
  },
  async handler({ requestId }) {
    const queues = await engine.queueStats()
    return jsonAnswer(requestId, describeMessages({ version, exchange, queues, catalog }))
  },
})
