/** What a key may do: publish events, look at queues and metrics, or change dead letters and consuming. */
export const SCOPES = ["publish", "read", "admin"] as const

export type Scope = (typeof SCOPES)[number]

/** The name of the keys in the OpenAPI document. */
export const KEY_SCHEME = "key"
