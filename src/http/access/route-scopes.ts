import type { HttpRoutes } from "../context.ts"
import { problemResponses } from "../responses.ts"
import { KEY_SCHEME, type Scope } from "./scope.ts"

/** Routes that no description stands for, and that are open to everybody. */
const UNDESCRIBED = new Set(["GET /openapi.json"])

/** What each route needs of a key, by `<METHOD> <path as it is routed>`; null for one that is open. */
export type RouteScopes = ReadonlyMap<string, Scope | null>

/**
 * Reads off the descriptions of all routes who may ask them, and adds to those that take a key how it can be refused.
 * @throws where a route does not say who may: it is not to be open by mistake.
 */
export function readRouteScopes(app: HttpRoutes): RouteScopes {
  const scopes = new Map<string, Scope | null>()
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue
    const { route } = definition
    const name = `${route.method.toUpperCase()} ${route.path.replaceAll(/\{(\w+)\}/g, ":$1")}`
    if (route.security === undefined) throw new Error(`the route ${name} does not say who may ask it`)
    const scope = (route.security[0]?.[KEY_SCHEME]?.[0] ?? null) as Scope | null
    scopes.set(name, scope)
    if (scope !== null) Object.assign(route.responses, problemResponses("unauthorized", "forbidden"))
  }
  for (const { method, path } of app.routes) {
    const name = `${method} ${path}`
    if (UNDESCRIBED.has(name)) scopes.set(name, null)
    if (!scopes.has(name)) throw new Error(`the route ${name} is not described, nor said to be open`)
  }
  return scopes
}
