import { emptyResponseHeaders } from "./response-headers.ts"

/** What stands for every origin. */
const ANY_ORIGIN = "*"

/** How long a browser may keep the answer to its preflight request, in seconds. */
const MAX_AGE_SECONDS = 600

/** What a page may send besides what every page may. */
const REQUEST_HEADERS = "Authorization, Content-Type, X-API-Key, X-Request-Id, traceparent, tracestate"

/** What a page may read besides what every page may. */
const RESPONSE_HEADERS = "X-Request-Id, Retry-After, RateLimit, RateLimit-Policy"

/** Lets pages of other origins use the service. Source: fetch.spec.whatwg.org, "CORS protocol". */
export class Cors {
  readonly #origins: ReadonlySet<string>

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins)
  }

  /**
   * Answers an OPTIONS by which a browser asks what it may send; null for any other.
   * @param methods what the path takes
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

  /** Says of an answer who may read it. */
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
