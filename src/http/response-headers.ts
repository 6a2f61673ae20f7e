/**
 * Security headers of every response: it is data, not a page.
 * Source: OWASP REST Security Cheat Sheet, "Security headers".
 */
const COMMON = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
}

const REQUEST_ID = "X-Request-Id"

/** Returns the headers of a response to this request. */
export const responseHeaders = (requestId: string, contentType: string): Record<string, string> => ({
  "Content-Type": contentType,
  [REQUEST_ID]: requestId,
  ...COMMON,
})

/** Returns the headers of a response without a body. */
export const emptyResponseHeaders = (requestId: string): Record<string, string> => ({
  [REQUEST_ID]: requestId,
  ...COMMON,
})

/**
 * Headers of frequent responses. A `Response` copies a `Headers` object in half the time that a plain record
 * takes: 0.4 instead of 0.8 us, of the 35 us of a publish (Bun 1.4.5).
 */
export class PreparedHeaders {
  readonly #headers: Headers

  constructor(contentType: string) {
    this.#headers = new Headers(responseHeaders("", contentType))
  }

  /** Returns the headers of the response to this request. Copy them at once: the next call changes them. */
  for(requestId: string): Headers {
    this.#headers.set(REQUEST_ID, requestId)
    return this.#headers
  }
}
