import { responseHeaders } from "../../response-headers.ts"

/** An HTML page that shows the API, with its assets. All of it is embedded in the executable. */
export interface Page {
  /** Path of the page. Its assets are below it. */
  readonly path: string
  /** Name of the page in operation ids. */
  readonly name: string
  readonly title: string
  /** Assets that the page loads, in order. */
  readonly stylesheets: readonly string[]
  readonly scripts: readonly string[]
  /** Directives added to the Content-Security-Policy of every page. */
  readonly policy: string
  readonly assets: Readonly<Record<string, Asset>>
}

/** A file of the executable, or a text. */
export interface Asset {
  readonly contentType: string
  readonly content: () => Blob | string | Promise<string>
}

/**
 * Pages load nothing from other hosts and run no inline scripts.
 * Source: W3C Content Security Policy Level 3.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"

/** How long clients may cache assets, in seconds. They change only with the executable. */
const CACHE_SECONDS = 3_600

/** Id of the element that the scripts of a page fill. */
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

/** The URLs are relative, so the page works behind a proxy that adds a path prefix. */
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
<noscript>This page needs JavaScript. <a href="openapi.json">openapi.json</a> describes the same API.</noscript>
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
