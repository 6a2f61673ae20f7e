/** What a key may do: publish events, look at queues and metrics, or change dead letters and consuming. */
export const SCOPES = ["publish", "read", "admin"] as const

export type Scope = (typeof SCOPES)[number]

/** Names of the two ways to send a key, in the OpenAPI document. */
export const BEARER_SCHEME = "key"
export const HEADER_SCHEME = "keyHeader"
