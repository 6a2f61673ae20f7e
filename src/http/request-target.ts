import { ProblemError } from "./problem.ts"

/** The parsed target of a request. */
export interface RequestTarget {
  /** Without dot segments and backslashes, which Bun has resolved before. Only characters that would mean something else are percent-encoded. */
  readonly path: string
  /** With its question mark; empty if there is none. */
  readonly query: string
}

/** Stands in for the Host, which may be missing and does not affect the path. */
const BASE = "http://localhost"

const SCHEME = "http://"

/** Ends the authority of a URL. */
const AFTER_AUTHORITY = /[/?#]/

const PERCENT_ENCODED = /%[\da-f]{2}/gi

/** Source: RFC 3986, section 2.3. */
const UNRESERVED = /^[\w.~-]$/

/**
 * Parses the target of a request once. Routing and access control use the same result, so they can't
 * disagree. A percent-encoded unreserved character equals the character itself (RFC 3986, section 6.2.2.2).
 * @param url as Bun has it: absolute, or only the path if the Host is missing
 * @throws {ProblemError} `malformed-request` if the target is not a path or has invalid percent-encoding.
 */
export function parseTarget(url: string): RequestTarget {
  const parsed = URL.parse(BASE + pathAndQueryOf(url))
  if (parsed === null || !isPercentEncoded(parsed.pathname)) {
    throw new ProblemError("malformed-request", "The path is not percent-encoded as RFC 3986 requires.")
  }
  const path = parsed.pathname.replaceAll(PERCENT_ENCODED, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
    return UNRESERVED.test(character) ? character : encoded
  })
  return { path, query: parsed.search }
}

function pathAndQueryOf(url: string): string {
  if (url.startsWith("/")) return url
  if (!url.startsWith(SCHEME)) {
    throw new ProblemError("malformed-request", "The request target is not a path.")
  }
  const rest = url.slice(SCHEME.length)
  const at = rest.search(AFTER_AUTHORITY)
  return at < 0 ? "/" : rest.slice(at)
}

function isPercentEncoded(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
