/**
 * What every answer says to browsers: it is data, and no page.
 * Source: OWASP REST Security Cheat Sheet, "Security headers".
 */
const COMMON = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
}

const REQUEST_ID = "X-Request-Id"

/** The headers of an answer to this request. */
export const responseHeaders = (requestId: string, contentType: string): Record<string, string> => ({
  "Content-Type": contentType,
  [REQUEST_ID]: requestId,
  ...COMMON,
})

/** The headers of an answer without a body. */
export const emptyResponseHeaders = (requestId: string): Record<string, string> => ({
  [REQUEST_ID]: requestId,
  ...COMMON,
})

/**
 * The headers of answers that are frequent. A `Response` copies a `Headers` object in half the time that it takes to read
 * a record: 0.4 against 0.8 us, of 35 for a publish (Bun 1.4.5).
 */
export class PreparedHeaders {
  readonly #headers: Headers

  constructor(contentType: string) {
    this.#headers = new Headers(responseHeaders("", contentType))
  }

  /** Those of the answer to this request. Copy them at once: the next call changes them. */
  for(requestId: string): Headers {
    this.#headers.set(REQUEST_ID, requestId)
    return this.#headers
  }
}
