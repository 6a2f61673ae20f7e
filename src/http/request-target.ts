import { ProblemError } from "./problem.ts"

/** What a request asks for. */
export interface RequestTarget {
  /** Without dot segments. Percent-encoded are only those characters that mean something else when they are not. */
  readonly path: string
  /** With its question mark; empty if there is none. */
  readonly query: string
}

/** Stands in for the Host, which does not decide what a path means and may be missing. */
const BASE = "http://localhost"

const SCHEME = "http://"

/** Where the authority of a URL ends. */
const AFTER_AUTHORITY = /[/?#]/

const PERCENT_ENCODED = /%[\da-f]{2}/gi

/** Source: RFC 3986, section 2.3. */
const UNRESERVED = /^[\w.~-]$/

/**
 * Parses the target of a request, once: routing and access both use the result, so that they can't disagree.
 * A percent-encoded unreserved character is the character itself (RFC 3986, section 6.2.2.2).
 * @param url as Bun has it: absolute, or only the path where the Host is missing
 * @throws {ProblemError} `malformed-request` for a target that is not a path, or has invalid percent-encoding.
 */
export function parseTarget(url: string): RequestTarget {
  const parsed = URL.parse(BASE + pathAndQueryOf(url))
  if (parsed === null || !isPercentEncoded(parsed.pathname)) {
    throw new ProblemError("malformed-request", "The path is not percent-encoded as RFC 3986 asks.")
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
