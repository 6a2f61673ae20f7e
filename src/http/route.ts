import type { RouteConfig } from "@hono/zod-openapi"
import type { Scope } from "./access/scope.ts"
import type { RouteRequest } from "./context.ts"

/** The methods that a route can be registered for. HEAD and OPTIONS follow from them. */
const ROUTE_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

export type RouteMethod = (typeof ROUTE_METHODS)[number]

/**
 * What a key that is limited to event types may do on a route.
 *
 * - `unaffected`: the same as any other key, because the route shows and changes no events.
 * - `limited`: the route's handler limits what it publishes, shows or changes.
 * - `unlimited-only`: nothing; the request is answered 403 before the handler runs.
 */
export type EventTypeRule = "unaffected" | "limited" | "unlimited-only"

/**
 * The description of a route in the OpenAPI document. Security, headers and the problems that all routes of a kind have follow
 * from the rest of the route (`description/operation.ts`).
 */
export interface RouteDescription extends Omit<RouteConfig, "method" | "path" | "security"> {
  /** Name of the function in generated clients: a verb and a noun, in camel case. */
  readonly operationId: string
  /** One line, an imperative without a period. */
  readonly summary: string
  readonly description: string
  readonly tags: [string]
}

/** Answers a request that was let in. A thrown error becomes a problem document. */
export type RouteHandler = (request: RouteRequest) => Response | Promise<Response>

/** Whether a route changes queues or dead letters. */
export const isChange = ({ scope, method }: Pick<Route, "scope" | "method">): boolean =>
  scope === "admin" && method !== "GET"

/** Everything that is known of one route. The match that finds its handler finds who may call it, too. */
export interface Route {
  readonly method: RouteMethod
  /** As OpenAPI writes it, with parameters in braces: `/api/v1/dead-letters/{queue}`. */
  readonly path: string
  /** The scope that a key needs; `open` admits everybody, with or without a key. */
  readonly scope: Scope | "open"
  readonly eventTypes: EventTypeRule
  /** Whether the answer may begin later than an idle connection is closed. Default: false. */
  readonly mayTakeLong?: boolean
  readonly description: RouteDescription
  readonly handler: RouteHandler
}
