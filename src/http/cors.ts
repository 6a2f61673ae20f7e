import { emptyResponseHeaders } from "./response-headers.ts"

/** Allows every origin. */
const ANY_ORIGIN = "*"

/** How long a browser may cache the response to a preflight request, in seconds. */
const MAX_AGE_SECONDS = 600

/** Request headers that a page may send in addition to the CORS-safelisted ones. */
const REQUEST_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Request-Id, traceparent, tracestate"

/** Response headers that a page may read in addition to the CORS-safelisted ones. */
const RESPONSE_HEADERS = "X-Request-Id, Idempotency-Replayed, Retry-After, RateLimit, RateLimit-Policy"

/** Lets pages of other origins use the service. Source: fetch.spec.whatwg.org, "CORS protocol". */
export class Cors {
  readonly #origins: ReadonlySet<string>

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins)
  }

  /**
   * Answers the preflight request of a browser. Returns null for any other OPTIONS request.
   * @param methods the methods of the path
   */
  preflight({ headers }: Request, methods: readonly string[], requestId: string): Response | null {
    if (!headers.has("access-control-request-method") || !this.#allows(headers.get("origin"))) return null
    return new Response(null, {
      status: 204,
      headers: {
        ...emptyResponseHeaders(requestId),
        "Access-Control-Allow-Methods": methods.join(", "),
        "Access-Control-Allow-Headers": REQUEST_HEADERS,
        "Access-Control-Max-Age": String(MAX_AGE_SECONDS),
      },
    })
  }

  /** Adds the CORS headers to a response. */
  mark(request: Request, response: Response): void {
    const origin = request.headers.get("origin")
    response.headers.append("Vary", "Origin")
    if (origin === null || !this.#allows(origin)) return
    response.headers.set("Access-Control-Allow-Origin", origin)
    response.headers.set("Access-Control-Expose-Headers", RESPONSE_HEADERS)
  }

  #allows(origin: string | null): boolean {
    return origin !== null && (this.#origins.has(ANY_ORIGIN) || this.#origins.has(origin))
  }
}
