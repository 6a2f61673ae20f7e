import type { z } from "@hono/zod-openapi"
import type { Logger } from "../telemetry/logger.ts"
import type { RouteRequest } from "./context.ts"
import type { PurgeQuerySchema } from "./dead-letter-selection.ts"
import type { ProblemError, ProblemSlug } from "./problem.ts"
import { isChange } from "./route.ts"
import type { Match } from "./route-table.ts"

/** Refusals that anybody can cause without a key, or that have a line of their own: they would let others fill the log. */
const UNLOGGED: ReadonlySet<ProblemSlug> = new Set([
  "unauthorized",
  "rate-limited",
  "foreign-page",
  "internal",
])

/** Who asked for a change, for its line in the log. The key is left out if the service has none. */
export const askedBy = ({ key, requestId }: Pick<RouteRequest, "key" | "requestId">) => ({
  ...(key !== null && { key: key.name }),
  request_id: requestId,
})

/** Which dead letters were asked for, for the log: of ids, how many, because there may be thousands. */
export const summarizeSelection = ({ ids, reason, name, limit, all }: Selection) => ({
  ...(ids !== undefined && { ids: ids.length }),
  reason,
  name,
  limit,
  all,
})

type Selection = z.infer<typeof PurgeQuerySchema>

/** Logs a change to queues or dead letters that was refused: an operator looks for it where those that were made are. */
export function logRefusedChange(
  logger: Logger,
  match: Match,
  requestId: string,
  problem: ProblemError,
): void {
  if (match.kind !== "route" || !isChange(match.route)) return
  if (UNLOGGED.has(problem.slug)) return
  const change = `${match.route.method} ${match.label}`
  const queue = match.params.find("queue")
  const fields = {
    change,
    ...(queue !== null && { queue }),
    problem: problem.slug,
    detail: problem.message,
    request_id: requestId,
  }
  logger.warn(fields, "change refused")
}
