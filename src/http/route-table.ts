import { TrieRouter } from "hono/router/trie-router"
import { NearestRoute } from "./nearest-route.ts"
import { PathParameters } from "./path-parameters.ts"
import { ProblemError } from "./problem.ts"
import { parseTarget } from "./request-target.ts"
import type { Route } from "./route.ts"

/** Result of matching a request's method and target. */
export type Match =
  | {
      readonly kind: "route"
      readonly route: Route
      /** The route's path, for metrics. */
      readonly label: string
      readonly params: PathParameters
      /** With its question mark; empty if there is none. */
      readonly query: string
    }
  /** OPTIONS of an existing path. */
  | { readonly kind: "options"; readonly label: string; readonly allowed: readonly string[] }
  /** Everything else is rejected, with any key. */
  | { readonly kind: "refused"; readonly label: typeof NO_ROUTE; readonly problem: ProblemError }

type RouteMatch = Extract<Match, { kind: "route" }>

/** The label of requests without a route. A label each would give metrics too many labels. */
const NO_ROUTE = "none"

/** Longest beginning of a path that a message repeats, in UTF-16 code units. */
const MAX_SHOWN_PATH = 256

const NO_PARAMETERS = new PathParameters(new Map())

/**
 * Every route of the service. One match finds the handler of a request together with the route's access
 * rules. A request without a match is rejected.
 */
export class RouteTable {
  readonly routes: readonly Route[]
  readonly #router = new TrieRouter<Route>()
  readonly #methods: ReadonlySet<string>
  readonly #frequent: RouteMatch
  readonly #nearest: NearestRoute
  /** Most slashes in the path of a route. */
  readonly #maxSlashes: number

  /**
   * @param frequent the most requested route, without parameters; it is compared before the router runs
   * @throws {Error} for a route without a scope, and for two routes with the same method and path.
   */
  constructor(routes: readonly Route[], frequent: Route) {
    this.routes = routes
    this.#methods = new Set(routes.map(({ method }) => method))
    for (const route of routes) this.#add(route)
    this.#nearest = new NearestRoute(routes)
    this.#maxSlashes = Math.max(...routes.map(({ path }) => path.split("/").length - 1))
    this.#frequent = this.#require(frequent)
  }

  /** Finds the route of a request. @param url as Bun has it */
  match(method: string, url: string): Match {
    const { route } = this.#frequent
    if (method === route.method && isExactly(url, route.path)) return this.#frequent
    try {
      const { path, query } = parseTarget(url)
      return this.#find(method, path, query) ?? this.#withoutRoute(method, path)
    } catch (error) {
      if (error instanceof ProblemError) return refused(error)
      throw error
    }
  }

  #add(route: Route): void {
    const { method, path, scope, eventTypes } = route
    const name = `${method} ${path}`
    // The type requires it already, but a cast must not open a route either.
    if (scope === undefined) throw new Error(`the route ${name} has no scope`)
    if (scope === "open" && eventTypes !== "unaffected") {
      throw new Error(`the open route ${name} can't be limited to event types: it takes no key`)
    }
    const isThere = this.routes.some((other) => other !== route && `${other.method} ${other.path}` === name)
    if (isThere) throw new Error(`the route ${name} is defined twice`)
    this.#router.add(method, templateOf(path), route)
  }

  #require({ method, path }: Route): RouteMatch {
    const match = this.#find(method, path, "")
    if (match === null) throw new Error(`the route ${method} ${path} is not in the table`)
    return match
  }

  /** HEAD is served by the route for GET (RFC 9110, section 9.3.2). */
  #find(method: string, path: string, query: string): RouteMatch | null {
    // The router takes time for each segment, and a path can have thousands.
    if (hasMoreSlashes(path, this.#maxSlashes)) return null
    const [found] = this.#router.match(method === "HEAD" ? "GET" : method, path)
    let best: RouteMatch | null = null
    let fewest = Number.POSITIVE_INFINITY
    for (const [route, values] of found) {
      const entries = Object.entries(values)
      // `/events/types` takes precedence over `/events/{id}`.
      if (entries.length >= fewest) continue
      fewest = entries.length
      best = { kind: "route", route, label: templateOf(route.path), params: parametersOf(entries), query }
    }
    return best
  }

  #withoutRoute(method: string, path: string): Match {
    const found = [...this.#methods].flatMap((each) => this.#find(each, path, "") ?? [])
    const [first] = found
    if (first === undefined) {
      const nearest = this.#nearest.find(method === "HEAD" ? "GET" : method, path)
      const advice = nearest === null ? "." : `; did you mean ${nearest}?`
      const shown = path.length > MAX_SHOWN_PATH ? `${path.slice(0, MAX_SHOWN_PATH)}…` : path
      const detail = `There is nothing at ${shown}${advice} /docs and /openapi.json list all paths.`
      return refused(new ProblemError("not-found", detail))
    }
    const allowed = [
      ...found.flatMap(({ route }) => (route.method === "GET" ? ["GET", "HEAD"] : route.method)),
      "OPTIONS",
    ]
    if (method === "OPTIONS") return { kind: "options", label: first.label, allowed }
    const detail = `${path} does not support ${method}; it supports ${allowed.join(", ")}.`
    // RFC 9110, section 15.5.6 requires Allow.
    return refused(new ProblemError("method-not-allowed", detail, { headers: { Allow: allowed.join(", ") } }))
  }
}

const refused = (problem: ProblemError): Match => ({ kind: "refused", label: NO_ROUTE, problem })

/** Converts a path to the router's syntax, which is also its label in metrics. */
const templateOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1")

/** Decodes parameters after the match, so that an encoded slash does not change the route. */
function parametersOf(entries: readonly (readonly [name: string, value: string])[]): PathParameters {
  if (entries.length === 0) return NO_PARAMETERS
  return new PathParameters(new Map(entries.map(([name, value]) => [name, decodeURIComponent(value)])))
}

function hasMoreSlashes(path: string, most: number): boolean {
  let count = 0
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) if (++count > most) return true
  return false
}

/**
 * Returns whether an absolute URL has this path and nothing after it. A URL without a Host is not absolute.
 */
function isExactly(url: string, path: string): boolean {
  if (!url.endsWith(path) || url.startsWith("/")) return false
  return url.length === url.indexOf("/", "http://".length) + path.length
}
