/** A page that shows the API, and what it loads. All of it is inside the executable. */
export interface Page {
  /** Where it is. What it loads is below that. */
  readonly path: string
  readonly title: string
  readonly html: string
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
 * What pages may load: nothing of another host, and no script that stands in the page.
 * Source: W3C Content Security Policy Level 3.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"

/** Assets change with the executable alone. */
const CACHE_SECONDS = 3_600

export const JAVASCRIPT = "text/javascript; charset=utf-8"
export const CSS = "text/css; charset=utf-8"

export const pageResponse = ({ html, policy }: Page): Response =>
  new Response(html, {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": `${POLICY}; ${policy}`,
      "Referrer-Policy": "no-referrer",
    },
  })

export const assetResponse = async ({ contentType, content }: Asset): Promise<Response> =>
  new Response(await content(), {
    headers: { "Content-Type": contentType, "Cache-Control": `public, max-age=${CACHE_SECONDS}` },
  })
