import { authorize, requireAllTypes } from "./access/access-control.ts"
import type { StoredKey } from "./access/key-file.ts"
import type { HttpContext } from "./context.ts"
import { ProblemError } from "./problem.ts"
import type { RequestHead } from "./route.ts"

/**
 * Admits or rejects a request to a route before its body is read. Web pages are checked earlier
 * (`access/page-guard.ts`), even for paths without a route. Returns the key of the request; null if the
 * service has no keys or the route is open.
 * @throws {ProblemError} `unauthorized`, `forbidden`, or `starting` while the service starts.
 */
export function admit({ route, headers }: RequestHead, { keys, isStarting }: HttpContext): StoredKey | null {
  const { scope, eventTypes } = route
  if (scope === "open") return null
  const key = authorize(keys, headers, scope)
  if (eventTypes === "unlimited-only") requireAllTypes(key)
  if (isStarting()) {
    throw new ProblemError(
      "starting",
      "The service is still starting: its queues and handlers are not loaded yet. Try again in a moment.",
      { outcome: "not-stored" },
    )
  }
  return key
}
