/** Permissions of a key: publish events, read queues and metrics, or change queues and dead letters. */
export const SCOPES = ["publish", "read", "admin"] as const

export type Scope = (typeof SCOPES)[number]

/** The demand of a route on a key: one scope, or only that the key is known. */
export type RequiredScope = Scope | "any"

/** Names of the two security schemes in the OpenAPI document. */
export const BEARER_SCHEME = "key"
export const HEADER_SCHEME = "keyHeader"
