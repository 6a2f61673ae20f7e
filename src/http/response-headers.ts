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
