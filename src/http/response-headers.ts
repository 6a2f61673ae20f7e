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

/** Gives an answer that was made without them what every answer has; what it says itself stays. */
export function completeHeaders(headers: Headers, requestId: string): void {
  for (const [name, value] of Object.entries(COMMON)) {
    if (!headers.has(name)) headers.set(name, value)
  }
  headers.set(REQUEST_ID, requestId)
}
