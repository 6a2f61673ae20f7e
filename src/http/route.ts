import type { RouteConfig } from "@hono/zod-openapi"
import type { StoredKey } from "./access/key-file.ts"
import type { Allowance } from "./access/rate-limit.ts"
import type { RequiredScope } from "./access/scope.ts"
import type { Exchange } from "./context.ts"
import type { PathParameters } from "./path-parameters.ts"
import type { RequestBody } from "./request-body.ts"
import type { RequestHost } from "./request-host.ts"

/** Methods that routes can be registered for. HEAD and OPTIONS are derived from them. */
const ROUTE_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

export type RouteMethod = (typeof ROUTE_METHODS)[number]

/**
 * Rules for keys that are limited to event types.
 *
 * - `unaffected`: the same as any other key, because the route shows and changes no events.
 * - `limited`: the route's handler limits what it publishes, shows or changes.
 * - `unlimited-only`: nothing; the request is answered 403 before the handler runs.
 */
export type EventTypeRule = "unaffected" | "limited" | "unlimited-only"

/**
 * The description of a route in the OpenAPI document. Security, headers and common problems are derived from
 * the rest of the route (`description/operation.ts`).
 */
export interface RouteDescription extends Omit<RouteConfig, "method" | "path" | "security"> {
  /** Name of the function in generated clients: a verb and a noun, in camel case. */
  readonly operationId: string
  /** One line, an imperative without a period. */
  readonly summary: string
  readonly description: string
  readonly tags: [string]
}

/** The head of a request to an existing route with a valid Host: all that admission needs. */
export interface RequestHead {
  readonly route: Route
  readonly method: string
  readonly headers: Headers
  /** Null if the request has no Host. */
  readonly host: RequestHost | null
}

/** An admitted request, as the handler of its route receives it. */
export interface RouteRequest extends RequestHead {
  readonly requestId: string
  readonly exchange: Exchange
  readonly params: PathParameters
  /** The query of the URL with its question mark; empty if there is none. */
  readonly query: string
  /** The key of the request; null if the service has no keys or the route is open. */
  readonly key: StoredKey | null
  /** The rate allowance of the key; null if there is no limit. */
  readonly allowance: Allowance | null
  readonly body: RequestBody
}

/** Answers an admitted request. A thrown error becomes a problem document. */
export type RouteHandler = (request: RouteRequest) => Response | Promise<Response>

/** Returns whether a route changes queues or dead letters. */
export const isChange = ({ scope, method }: Pick<Route, "scope" | "method">): boolean =>
  scope === "admin" && method !== "GET"

/**
 * Returns whether a route rejects parameters that it does not know. Open routes and the metrics don't: probes, browsers
 * and proxies add parameters of their own.
 */
export const refusesUnknownQuery = ({ scope, ignoresQuery }: Route): boolean =>
  scope !== "open" && ignoresQuery !== true

/** One route with its access rules. The match that finds its handler also finds who may call it. */
export interface Route {
  readonly method: RouteMethod
  /** In OpenAPI's syntax, with parameters in braces: `/api/v1/dead-letters/{queue}`. */
  readonly path: string
  /** The scope that a key needs; `any` admits every key, `open` everybody, with or without a key. */
  readonly scope: RequiredScope | "open"
  readonly eventTypes: EventTypeRule
  /** True if the response may take longer than the idle timeout to begin. Default: false. */
  readonly mayTakeLong?: boolean
  /** True if the route publishes events: its problems then say with `outcome` whether one was stored. Default: false. */
  readonly isPublish?: boolean
  /** True if the route accepts any parameters, although it is not open. Default: false. */
  readonly ignoresQuery?: boolean
  readonly description: RouteDescription
  readonly handler: RouteHandler
}
