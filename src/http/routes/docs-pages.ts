import { z } from "@hono/zod-openapi"
import { assetResponse, type Page, pageResponse } from "../description/pages/page.ts"
import { REDOC } from "../description/pages/redoc.ts"
import { SWAGGER_UI } from "../description/pages/swagger-ui.ts"
import { problemResponses } from "../description/responses.ts"
import { ProblemError } from "../problem.ts"
import type { Route } from "../route.ts"

const pageRoute = (page: Page): Route => ({
  method: "GET",
  path: page.path,
  scope: "open",
  eventTypes: "unaffected",
  description: {
    operationId: `get${page.name}Page`,
    summary: `Open ${page.title}`,
    description: "An HTML page. It loads nothing from other hosts.",
    tags: ["Service"],
    responses: { 200: { description: "A page", content: { "text/html": { schema: z.string() } } } },
  },
  handler: ({ requestId }) => pageResponse(page, requestId),
})

const assetRoute = ({ path, name, assets }: Page): Route => ({
  method: "GET",
  path: `${path}/{asset}`,
  scope: "open",
  eventTypes: "unaffected",
  description: {
    operationId: `get${name}Asset`,
    summary: `Get a file that ${path} loads`,
    description: "A script or a style sheet.",
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
  },
  handler({ params, requestId }) {
    const file = params.get("asset")
    const asset = Object.hasOwn(assets, file) && assets[file]
    if (!asset) throw new ProblemError("not-found", `There is no ${file} at ${path}.`)
    return assetResponse(asset, requestId)
  },
})

/**
 * The pages that show the API. Their assets are embedded in the executable, so they work without internet
 * access.
 */
export const docsPages = (): readonly Route[] =>
  [SWAGGER_UI, REDOC].flatMap((page) => [pageRoute(page), assetRoute(page)])
