import { createRoute, z } from "@hono/zod-openapi"
import { isOpen } from "../access/scope.ts"
import type { HttpRoutes } from "../context.ts"
import { assetResponse, type Page, pageResponse } from "../description/pages/page.ts"
import { REDOC } from "../description/pages/redoc.ts"
import { SWAGGER_UI } from "../description/pages/swagger-ui.ts"
import { problemResponses } from "../description/responses.ts"
import { ProblemError } from "../problem.ts"

const pageRoute = ({ path, title }: Page) =>
  createRoute({
    method: "get",
    ...isOpen,
    path,
    summary: title,
    tags: ["Service"],
    responses: { 200: { description: "A page", content: { "text/html": { schema: z.string() } } } },
  })

const assetRoute = ({ path, assets }: Page) =>
  createRoute({
    method: "get",
    ...isOpen,
    path: `${path}/{asset}`,
    summary: `What ${path} loads`,
    tags: ["Service"],
    request: { params: z.object({ asset: z.enum(Object.keys(assets)) }) },
    responses: {
      200: {
        description: "A file",
        content: Object.fromEntries(
          Object.values(assets).map(({ contentType }) => [
            contentType.split(";")[0] ?? "",
            { schema: z.string() },
          ]),
        ),
      },
      ...problemResponses("not-found"),
    },
  })

/** The pages that show the API. What they load is inside the executable: they work without any network. */
export function docsPages(app: HttpRoutes): void {
  for (const page of [SWAGGER_UI, REDOC]) {
    app.openAPIRegistry.registerPath(pageRoute(page))
    app.get(page.path, () => pageResponse(page))
    app.openAPIRegistry.registerPath(assetRoute(page))
    app.get(assetRoute(page).getRoutingPath(), (c) => {
      const asset = Object.hasOwn(page.assets, c.req.param("asset")) && page.assets[c.req.param("asset")]
      if (!asset) throw new ProblemError("not-found", `There is nothing at ${c.req.path}.`)
      return assetResponse(asset)
    })
  }
}
