import type { Me, Scope } from "../api/answers.ts"
import { call, storedKey, storeKey, whenUnauthorized } from "../api/client.ts"
import { Problem, sayError } from "../api/problem.ts"
import { Store } from "./store.ts"

/** Interval of attempts while the service starts or can't be reached, in milliseconds. */
const RETRY_MS = 2_000

export type Session =
  | { readonly kind: "asking" }
  /** The service needs a key. */
  | { readonly kind: "needs-key"; readonly fault: string | null }
  /** The service can't be reached, or is starting; the console asks again. */
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "open"; readonly me: Me }

export const session = new Store<Session>({ kind: "asking" })

/** Asks the service what the key of this tab allows. */
export async function beginSession(): Promise<void> {
  try {
    session.set({ kind: "open", me: await call<Me>("api/v1/me") })
  } catch (error) {
    if (error instanceof Problem && error.status === 401) {
      const fault = storedKey() === null ? null : "The service does not know this key."
      storeKey(null)
      session.set({ kind: "needs-key", fault })
      return
    }
    session.set({ kind: "waiting", reason: sayError(error) })
    setTimeout(() => void beginSession(), RETRY_MS)
  }
}

/** Text that no header can hold, or that is longer than all headers of a request may be. */
const NO_KEY = /[^\x21-\x7e]|^.{4001}/

/** Uses another key from now on. */
export async function signIn(key: string): Promise<void> {
  if (NO_KEY.test(key)) {
    const fault = "This is not a key: a key has only letters, digits and signs of ASCII, without spaces."
    return session.set({ kind: "needs-key", fault })
  }
  storeKey(key)
  await beginSession()
}

export function signOut(): void {
  storeKey(null)
  session.set({ kind: "needs-key", fault: null })
}

whenUnauthorized(() => {
  if (session.value.kind !== "open") return
  storeKey(null)
  session.set({ kind: "needs-key", fault: "The service no longer accepts the key of this tab." })
})

/** Returns whether the key has a scope, whatever the mode of the console. */
export function hasScope(scope: Scope): boolean {
  const { value } = session
  return value.kind === "open" && value.me.scopes.includes(scope)
}

/** Returns whether the service has a history to search. */
export function hasHistory(): boolean {
  const { value } = session
  return value.kind === "open" && value.me.has_history
}

/** Returns whether the console has no actions, whatever the key allows. */
export function isReadOnly(): boolean {
  const { value } = session
  return value.kind === "open" && value.me.console.mode === "read-only"
}

/** Returns the event types that the key is limited to, in words; null if there is no limit. */
export function limitOf(): string | null {
  const { value } = session
  return value.kind === "open" && value.me.types !== null ? value.me.types.join(", ") : null
}

/** Returns whether the key may publish events of a type. */
export function mayPublish(type: string): boolean {
  const { value } = session
  return mayDo("publish") && value.kind === "open" && (value.me.types?.includes(type) ?? true)
}

/** Returns whether the key may change what all event types share, such as queues and modules: a limited one may not. */
export const mayChangeAll = (): boolean => mayDo("admin") && limitOf() === null

/** Returns whether the key may pause a queue, and replay into it: all its events have to be of the key's types. */
export function maySteer(bindings: readonly string[]): boolean {
  const { value } = session
  if (!mayDo("admin") || value.kind !== "open") return false
  const { types } = value.me
  if (types === null) return true
  const isOwn = (pattern: string): boolean =>
    types.some((type) => pattern === `events.${type}` || pattern.startsWith(`events.${type}.`))
  return bindings.length > 0 && bindings.every(isOwn)
}

/** Returns whether the console offers what needs a scope. The service checks the scope again. */
export function mayDo(scope: "publish" | "admin"): boolean {
  const { value } = session
  return value.kind === "open" && value.me.console.mode === "on" && value.me.scopes.includes(scope)
}
