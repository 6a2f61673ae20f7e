import { TrieRouter } from "hono/router/trie-router"
import { PathParameters } from "./path-parameters.ts"
import { ProblemError } from "./problem.ts"
import { parseTarget } from "./request-target.ts"
import type { Route } from "./route.ts"

/** What a request's method and target lead to. */
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
  /** OPTIONS of a path that is there. */
  | { readonly kind: "options"; readonly label: string; readonly allowed: readonly string[] }
  /** Anything else is refused, whoever asks. */
  | { readonly kind: "refused"; readonly label: typeof NO_ROUTE; readonly problem: ProblemError }

type RouteMatch = Extract<Match, { kind: "route" }>

/** The label of requests that no route takes: they are many, and metrics have few labels. */
const NO_ROUTE = "none"

const NO_PARAMETERS = new PathParameters(new Map())

/**
 * Every route of the service. One match finds the handler of a request together with all that is known of its route;
 * what matches nothing is refused.
 */
export class RouteTable {
  readonly routes: readonly Route[]
  readonly #router = new TrieRouter<Route>()
  readonly #methods: ReadonlySet<string>
  readonly #frequent: RouteMatch

  /**
   * @param frequent a route without parameters, which most requests are for: it is compared before the router is asked
   * @throws {Error} for a route that does not say who may call it, and for two of the same method and path.
   */
  constructor(routes: readonly Route[], frequent: Route) {
    this.routes = routes
    this.#methods = new Set(routes.map(({ method }) => method))
    for (const route of routes) this.#add(route)
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
    // The type says so already; a route must not be open because of a cast, either.
    if (scope === undefined) throw new Error(`the route ${name} does not say who may call it`)
    if (scope === "open" && eventTypes !== "unaffected") {
      throw new Error(`the open route ${name} has no key that it could limit`)
    }
    const isThere = this.routes.some((other) => other !== route && `${other.method} ${other.path}` === name)
    if (isThere) throw new Error(`the route ${name} is there twice`)
    this.#router.add(method, templateOf(path), route)
  }

  #require({ method, path }: Route): RouteMatch {
    const match = this.#find(method, path, "")
    if (match === null) throw new Error(`the route ${method} ${path} is not in the table`)
    return match
  }

  /** HEAD is answered by the route for GET (RFC 9110, section 9.3.2). */
  #find(method: string, path: string, query: string): RouteMatch | null {
    const [found] = this.#router.match(method === "HEAD" ? "GET" : method, path)
    let best: RouteMatch | null = null
    let fewest = Number.POSITIVE_INFINITY
    for (const [route, values] of found) {
      const entries = Object.entries(values)
      // `/events/types` is itself before it is `/events/{id}`.
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
      return refused(new ProblemError("not-found", `There is nothing at ${path}.`))
    }
    const allowed = [
      ...found.flatMap(({ route }) => (route.method === "GET" ? ["GET", "HEAD"] : route.method)),
      "OPTIONS",
    ]
    if (method === "OPTIONS") return { kind: "options", label: first.label, allowed }
    const detail = `${path} does not take ${method}, but ${allowed.join(", ")}.`
    // RFC 9110, section 15.5.6 asks for Allow.
    return refused(new ProblemError("method-not-allowed", detail, { headers: { Allow: allowed.join(", ") } }))
  }
}

const refused = (problem: ProblemError): Match => ({ kind: "refused", label: NO_ROUTE, problem })

/** A path as the router writes it, and as metrics have always shown it. */
const templateOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1")

/** Parameters are decoded after the match, so that an encoded slash in one does not change the route. */
function parametersOf(entries: readonly (readonly [name: string, value: string])[]): PathParameters {
  if (entries.length === 0) return NO_PARAMETERS
  return new PathParameters(new Map(entries.map(([name, value]) => [name, decodeURIComponent(value)])))
}

/** Whether an absolute URL has this path and nothing after it. One without a Host is not absolute. */
function isExactly(url: string, path: string): boolean {
  if (!url.endsWith(path) || url.startsWith("/")) return false
  return url.length === url.indexOf("/", "http://".length) + path.length
}
