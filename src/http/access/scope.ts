/** What a key may do: publish events, look at queues and metrics, or change dead letters and consuming. */
export const SCOPES = ["publish", "read", "admin"] as const

export type Scope = (typeof SCOPES)[number]

/** The name of the keys in the OpenAPI document. */
export const KEY_SCHEME = "key"

/** For a route's description: it takes a key with this scope, where the service has keys. */
export const needs = (scope: Scope) => ({ security: [{ [KEY_SCHEME]: [scope] }] })

/** For a route's description: it is open to everybody, be there keys or not. */
export const isOpen = { security: [] }
