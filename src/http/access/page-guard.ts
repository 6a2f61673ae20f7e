import { hostname } from "node:os"
import type { Config } from "../../config.ts"
import { ProblemError } from "../problem.ts"
import { nameOf, type RequestHost } from "../request-host.ts"
import { isServed, type ServedNames } from "./host-names.ts"

/**
 * Keeps pages of the web from using a service that its visitors reach. A browser sends what a page asks for, with the
 * network of its user; a service without keys would obey.
 */

/** Methods that change nothing. Source: RFC 9110, section 9.2.1. */
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"]

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 }

/** A name that is worth repeating in a refusal: as long as DNS allows, and without characters that need quotes. */
const PLAIN_NAME = /^[\w.-]{1,253}$/

/** Which pages may use the service, and by which names. */
export interface PageRules extends ServedNames {
  /** Whether the service has keys. A page has none, so its origin and the name it uses don't matter. */
  readonly hasKeys: boolean
  /** Origins of pages that may use the service; `*` stands for all. */
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
 * Refuses a request that a page of the web may have made a browser send: one for a name that is not the service's, and
 * without keys one that changes something and comes from another origin.
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
    "A page of another origin sent this, and the service has no keys: name the page's origin in CORS_ORIGINS, or set API_KEYS_FILE.",
  )
}

/** A request without a host is not a browser's. */
function requireServedHost(host: RequestHost | null, rules: PageRules): void {
  if (host === null || (rules.hasKeys && rules.allowed.length === 0)) return
  const { name } = host
  if (isServed(name, rules)) return
  const shown = PLAIN_NAME.test(name) ? name : "the request's host"
  throw new ProblemError(
    "misdirected-request",
    rules.allowed.length > 0
      ? `The service does not answer to ${shown}: add the name to ALLOWED_HOSTS.`
      : `The service has no keys, so it answers only to names that no page of the web can have, and not to ${shown}: add the name to ALLOWED_HOSTS, or set API_KEYS_FILE.`,
  )
}

/**
 * Whether a browser says that a page of another origin sent the request. `Sec-Fetch-Site` comes first, where a browser
 * sends it: it can't be set by a page, and holds behind a proxy that changes the host.
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

/** Whether an origin has the name and the port of a `Host`. A proxy may have ended TLS, so the scheme may differ. */
function isOwn(origin: string, host: RequestHost | null): boolean {
  const page = URL.parse(origin)
  const defaultPort = DEFAULT_PORTS[page?.protocol ?? ""]
  if (page === null || host === null || defaultPort === undefined) return false
  if (nameOf(page.hostname) !== host.name) return false
  if (host.port === null) return page.port === ""
  return host.port === (page.port === "" ? defaultPort : Number(page.port))
}
