import { responseHeaders } from "../../response-headers.ts"

/** A page that shows the API, and what it loads. All of it is inside the executable. */
export interface Page {
  /** Path of the page. The files that it loads are below it. */
  readonly path: string
  /** As operation ids have it. */
  readonly name: string
  readonly title: string
  /** Which of the assets the page begins with, in their order. */
  readonly stylesheets: readonly string[]
  readonly scripts: readonly string[]
  /** Beyond what every page may do: directives of a Content-Security-Policy. */
  readonly policy: string
  readonly assets: Readonly<Record<string, Asset>>
}

/** A file of the executable, or a text. */
export interface Asset {
  readonly contentType: string
  readonly content: () => Blob | string | Promise<string>
}

/**
 * Pages load nothing of another host, and run no script that stands in the page.
 * Source: W3C Content Security Policy Level 3.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"

/** Assets change with the executable alone. */
const CACHE_SECONDS = 3_600

/** The element of a page that its scripts fill. */
export const API_ELEMENT = "api"

export const JAVASCRIPT = "text/javascript; charset=utf-8"
export const CSS = "text/css; charset=utf-8"

export const pageResponse = (page: Page, requestId: string): Response =>
  new Response(htmlOf(page), {
    headers: {
      ...responseHeaders(requestId, "text/html; charset=utf-8"),
      "Content-Security-Policy": `${POLICY}; ${page.policy}`,
      "Referrer-Policy": "no-referrer",
    },
  })

/** The addresses are relative: the page works behind a proxy that puts a path before them. */
function htmlOf({ path, stylesheets, scripts }: Page): string {
  const folder = path.slice(1)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Event Broker: the API</title>
<link rel="icon" href="data:,">
${stylesheets.map((name) => `<link rel="stylesheet" href="${folder}/${name}">\n`).join("")}</head>
<body>
<div id="${API_ELEMENT}"></div>
${scripts.map((name) => `<script src="${folder}/${name}"></script>\n`).join("")}</body>
</html>
`
}

export const assetResponse = async ({ contentType, content }: Asset, requestId: string): Promise<Response> =>
  new Response(await content(), {
    headers: {
      ...responseHeaders(requestId, contentType),
      "Cache-Control": `public, max-age=${CACHE_SECONDS}`,
    },
  })
