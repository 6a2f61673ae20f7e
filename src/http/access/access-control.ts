import { ProblemError } from "../problem.ts"
import type { StoredKey } from "./key-file.ts"
import type { KeyRing } from "./key-ring.ts"
import type { RequiredScope } from "./scope.ts"

/**
 * Returns the key of a request, or null if the service has no keys and is therefore open.
 * @throws {ProblemError} `unauthorized` without a known key, `forbidden` if the key lacks the scope.
 */
export function authorize(keys: KeyRing | null, headers: Headers, scope: RequiredScope): StoredKey | null {
  if (keys === null) return null
  const presented = presentedKey(headers)
  if (presented === null) {
    throw unauthorized(
      headers.has("authorization")
        ? "The Authorization header does not have the form Bearer <key>."
        : "Send a key, as Authorization: Bearer <key> or as X-API-Key: <key>.",
    )
  }
  const key = keys.find(presented)
  if (key === null) throw unauthorized("The key is unknown.")
  if (scope !== "any" && !key.scopes.includes(scope)) {
    throw new ProblemError(
      "forbidden",
      `The key ${key.name} does not have the scope ${scope}. No scope includes another: ${scope} has to be in its line.`,
    )
  }
  return key
}

/**
 * Rejects a key that is limited to event types, on a route that can't be limited. @throws {ProblemError}
 * `forbidden`.
 */
export function requireAllTypes(key: StoredKey | null): void {
  if (key?.types === undefined) return
  throw new ProblemError(
    "forbidden",
    `The key ${key.name} is limited to event types, and this route needs a key without that limit.`,
  )
}

function presentedKey(headers: Headers): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")
  return bearer?.[1] ?? headers.get("x-api-key")
}

const unauthorized = (detail: string): ProblemError =>
  new ProblemError("unauthorized", detail, { headers: { "WWW-Authenticate": 'Bearer realm="event-broker"' } })
