import type { z } from "@hono/zod-openapi"
import type { Logger } from "../telemetry/logger.ts"
import type { PurgeQuerySchema } from "./dead-letter-selection.ts"
import type { ProblemError, ProblemSlug } from "./problem.ts"
import { isChange, type RouteRequest } from "./route.ts"
import type { Match } from "./route-table.ts"

/**
 * Rejections that anybody can cause without a key, which could fill the log, or that have a log line of their
 * own.
 */
const UNLOGGED: ReadonlySet<ProblemSlug> = new Set([
  "unauthorized",
  "rate-limited",
  "foreign-page",
  "internal",
  "modules-rejected",
])

/** The level of the line for a change. A change that changes nothing interests nobody afterwards. */
export const changeLevel = (count: number, level: "info" | "warn"): "debug" | "info" | "warn" =>
  count === 0 ? "debug" : level

/** The requester of a change, for its log line. Without keys the key is omitted. */
export const askedBy = ({ key, requestId }: Pick<RouteRequest, "key" | "requestId">) => ({
  ...(key !== null && { key: key.name }),
  request_id: requestId,
})

/** Log fields of a selection of dead letters. Logs the number of ids only, because there may be thousands. */
export const summarizeSelection = ({ ids, since, until, dry_run: _, ...selection }: Selection) => ({
  ...(ids !== undefined && { ids: ids.length }),
  ...selection,
  ...(since !== undefined && { since: new Date(since).toISOString() }),
  ...(until !== undefined && { until: new Date(until).toISOString() }),
})

type Selection = z.infer<typeof PurgeQuerySchema>

/**
 * Logs a rejected change to queues or dead letters, so that operators find it next to the changes that were
 * made.
 */
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
