import { createRoute, z } from "@hono/zod-openapi"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { describeMessages } from "../description/async-api.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"

const PATH = "/asyncapi.json"

const route = () =>
  createRoute({
    method: "get",
    ...needs("read"),
    path: PATH,
    summary: "Queues, topics and events, as an AsyncAPI 3 document",
    description: "For programs that consume from RabbitMQ themselves.",
    tags: ["Service"],
    responses: {
      200: jsonResponse("The document", z.looseObject({ asyncapi: z.string() })),
      ...problemResponses("engine-unavailable"),
    },
  })

export function asyncApiDocument(app: HttpRoutes, { engine, catalog, exchange, version }: HttpContext): void {
  app.openAPIRegistry.registerPath(route())
  app.get(PATH, async (c) =>
    c.json(describeMessages({ version, exchange, queues: await engine.queueStats(), catalog })),
  )
}
