import { createRoute, z } from "@hono/zod-openapi"
import { isOpen } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { describeApi } from "../description/open-api.ts"
import { jsonResponse } from "../description/responses.ts"

const PATH = "/openapi.json"

const route = () =>
  createRoute({
    method: "get",
    ...isOpen,
    path: PATH,
    summary: "This description, as an OpenAPI 3.1 document",
    tags: ["Service"],
    responses: { 200: jsonResponse("The document", z.looseObject({ openapi: z.string() })) },
  })

/** It describes all routes that are there when it is first asked for. */
export function openApiDocument(app: HttpRoutes, { version }: HttpContext): void {
  app.openAPIRegistry.registerPath(route())
  let document: unknown
  app.get(PATH, (c) => {
    document ??= describeApi(app, version)
    return c.json(document)
  })
}
