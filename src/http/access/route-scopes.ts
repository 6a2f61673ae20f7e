import type { HttpRoutes } from "../context.ts"
import { KEY_SCHEME, type Scope } from "./scope.ts"

/** What each route needs of a key, by `<METHOD> <path as it is routed>`; null for one that is open. */
export type RouteScopes = ReadonlyMap<string, Scope | null>

/**
 * Reads off the descriptions of all routes who may ask them.
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
  }
  for (const { method, path } of app.routes) {
    const name = `${method} ${path}`
    if (!scopes.has(name)) throw new Error(`the route ${name} is not described, nor said to be open`)
  }
  return scopes
}
