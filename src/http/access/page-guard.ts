import { hostname } from "node:os"
import type { Config } from "../../config.ts"
import { ProblemError } from "../problem.ts"
import { nameOf, type RequestHost } from "../request-host.ts"
import { isServed, type ServedNames } from "./host-names.ts"

/**
 * Keeps web pages from using a service that only their visitors can reach. A browser sends the requests of a
 * page from its user's network, and a service without keys would accept them.
 */

/** Methods that change nothing. Source: RFC 9110, section 9.2.1. */
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"]

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 }

/**
 * Host names that a refusal may repeat: at most as long as DNS allows, without characters that need quoting.
 */
const PLAIN_NAME = /^[\w.-]{1,253}$/

/** Which web pages may use the service, and through which host names. */
export interface PageRules extends ServedNames {
  /** True if the service has keys. A page doesn't have one, so its origin and the host name don't matter. */
  readonly hasKeys: boolean
  /** Origins of pages that may use the service; `*` allows all. */
  readonly origins: readonly string[]
}

export function pageRules(config: Config): PageRules {
  const own = [hostname(), config.HOST, config.SERVICE_HOST].map(nameOf)
  return {
    hasKeys: config.API_KEYS_FILE !== "",
    allowed: config.ALLOWED_HOSTS,
    own: own.filter((name) => name !== ""),
    origins: config.CORS_ORIGINS,
  }
}

/**
 * Rejects a request that a web page may have made a browser send: a request to a name that is not the
 * service's, and, without keys, a change that comes from another origin.
 * @throws {ProblemError} `misdirected-request` or `foreign-page`.
 */
export function refuseForeignPages(
  method: string,
  host: RequestHost | null,
  headers: Headers,
  rules: PageRules,
): void {
  requireServedHost(host, rules)
  if (rules.hasKeys || SAFE_METHODS.includes(method) || !isFromElsewhere(host, headers, rules)) return
  throw new ProblemError(
    "foreign-page",
    "The request comes from a web page of another origin, and the service has no keys. Add the origin of the page to CORS_ORIGINS, or set API_KEYS_FILE.",
  )
}

/** A request without a host does not come from a browser. */
function requireServedHost(host: RequestHost | null, rules: PageRules): void {
  if (host === null || (rules.hasKeys && rules.allowed.length === 0)) return
  const { name } = host
  if (isServed(name, rules)) return
  const shown = PLAIN_NAME.test(name) ? name : "the request's host"
  throw new ProblemError(
    "misdirected-request",
    rules.allowed.length > 0
      ? `The service does not answer to ${shown}. Add the name to ALLOWED_HOSTS.`
      : `The service has no keys, so it does not answer to ${shown}: a public web page could have this name. Add the name to ALLOWED_HOSTS, or set API_KEYS_FILE.`,
  )
}

/**
 * Returns whether the browser says that a page of another origin sent the request. `Sec-Fetch-Site` comes
 * first: pages can't set it, and it stays valid behind a proxy that changes the host.
 * Sources: Fetch Metadata Request Headers, section 2.3; RFC 6454, section 7.
 */
function isFromElsewhere(host: RequestHost | null, headers: Headers, { origins }: PageRules): boolean {
  const origin = headers.get("origin")
  const site = headers.get("sec-fetch-site")
  if (origin !== null && (origins.includes("*") || origins.includes(origin))) return false
  if (site === "same-origin") return false
  if (site === "cross-site" || site === "same-site") return true
  return origin !== null && !isOwn(origin, host)
}

/**
 * Returns whether an origin has the name and port of a `Host`. The scheme may differ, because a proxy may
 * have ended TLS.
 */
function isOwn(origin: string, host: RequestHost | null): boolean {
  const page = URL.parse(origin)
  const defaultPort = DEFAULT_PORTS[page?.protocol ?? ""]
  if (page === null || host === null || defaultPort === undefined) return false
  if (nameOf(page.hostname) !== host.name) return false
  if (host.port === null) return page.port === ""
  return host.port === (page.port === "" ? defaultPort : Number(page.port))
}
