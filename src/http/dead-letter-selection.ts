import { z } from "@hono/zod-openapi"
import type { DeadLetterSelection } from "../engine/dead-letter.ts"
import type { Engine } from "../engine/engine.ts"
import { DEAD_LETTER_REASONS } from "../event/failure.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import { ProblemError } from "./problem.ts"
import { timeParameter } from "./time-parameter.ts"

/** How query parameters are parsed. */
export const SELECTION_KINDS = { ids: "list", limit: "json", all: "json", dry_run: "json" } as const

/** Largest body of a selection, in bytes: room for 1,600 UUIDs. Checking a full one takes 50 ms. */
export const MAX_SELECTION_BYTES = 65_536

const NO_OBJECT = "must be a JSON object"

/** Default and maximum number of dead letters in one listing. */
const DEFAULT_LOOK = 100
const MAX_LOOK = 1_000

const reason = z
  .enum(DEAD_LETTER_REASONS, { error: `must be one of ${DEAD_LETTER_REASONS.join(", ")}` })
  .openapi({ description: "Select dead letters with this reason." })

const name = z
  .string("must be a string")
  .min(1, "must have at least 1 character")
  .openapi({ description: "Select dead letters whose event has this name." })

const ids = z
  .array(z.string("must be a string").min(1, "must have at least 1 character"), "must be an array of ids")
  .min(1, "must have at least one id")
  .openapi({ description: "Select dead letters whose event has one of these ids." })

const limit = z
  .int("must be a whole number")
  .min(1, "must be at least 1")
  .openapi({ description: "Select at most this many, the oldest first." })

/** Longest text of an error: the longest name and message that are kept. */
const MAX_ERROR_LENGTH = 4_002

const errorText = z.string("must be a string").max(MAX_ERROR_LENGTH)

const flag = z.boolean("must be true or false")

/** Filters of dead letters. */
const FILTERS = {
  ids: ids.optional(),
  reason: reason.optional(),
  name: name.optional(),
  error: errorText.min(1, "must have at least 1 character").optional().openapi({
    description:
      "Select dead letters whose error, in one line with its name as `Error: busy`, contains this text.",
  }),
  whole_error: errorText.optional().openapi({
    description: "Select dead letters whose error is exactly this text; empty for those without an error.",
  }),
  since: timeParameter("Select dead letters that failed last at this time or later"),
  until: timeParameter("Select dead letters that failed last before this time"),
}

const EXAMPLE_ID = ["01a20ace-2fd0-77d8-8956-d3985157a5fb"]

/** Filters, limit and cursor of a listing of dead letters. */
export const LookSchema = z.strictObject({
  cursor: z
    .string("must be a string")
    .optional()
    .openapi({ description: "`cursor` of the previous answer. Default: start with the oldest dead letter." }),
  limit: limit.max(MAX_LOOK, `must be at most ${MAX_LOOK}`).default(DEFAULT_LOOK).openapi({
    description: "Number of dead letters to list, the oldest first. Default: 100. At most 1,000.",
  }),
  ...FILTERS,
  ids: ids.openapi({ example: EXAMPLE_ID }).optional(),
})

const all = flag.default(false).openapi({
  description:
    "Select all dead letters. Required if no filter is given, to prevent accidental bulk operations. Default: `false`.",
})

const dryRun = flag
  .default(false)
  .openapi({ description: "Count the dead letters without changing anything. Default: `false`." })

const CHANGE = { ...FILTERS, limit: limit.optional(), all, dry_run: dryRun }

/** The dead letters to purge, as a query. All filters must match. */
export const PurgeQuerySchema = z.strictObject({
  ...CHANGE,
  ids: ids.openapi({ example: EXAMPLE_ID }).optional(),
})

/** The dead letters to change, as a body. */
export const SelectionSchema = z.strictObject(CHANGE, NO_OBJECT).openapi("DeadLetterSelection", {
  description:
    "Selects dead letters. All given filters must match. At least one filter, or `all`, is required. To change what a dry " +
    "run counted, and nothing that failed since, add `until` with the time `at` of its answer, and `limit` with its count.",
})

/** Time of the count of a dry run, in seconds since the epoch. */
export const CountedAt = z.number().optional().openapi({
  description:
    "Only in a dry run: when it began to count. As `until`, it selects what was counted, and nothing that failed since.",
})

/** Filters as they are asked for. */
type Filters = Omit<z.infer<typeof PurgeQuerySchema>, "limit" | "all" | "dry_run">

/** Returns the filters that were given, limited to the dead letters that a key may reach. */
export const filterOf = (
  { ids, reason, name, error, whole_error: wholeError, since, until }: Filters,
  reach: RoutingSpace | null,
): DeadLetterSelection => ({
  ...(ids !== undefined && { ids }),
  ...(reason !== undefined && { reason }),
  ...(name !== undefined && { name }),
  ...(error !== undefined && { error }),
  ...(wholeError !== undefined && { wholeError }),
  ...(since !== undefined && { since }),
  ...(until !== undefined && { until }),
  ...(reach !== null && { within: reach }),
})

/**
 * Returns the selection of a redrive or a purge, limited to the dead letters that a key may reach.
 * @throws {ProblemError} `validation-failed` if there is no filter and `all` is not set, or both.
 */
export function selectionOf(
  { limit, all, dry_run: _, ...filters }: z.infer<typeof PurgeQuerySchema>,
  reach: RoutingSpace | null,
): DeadLetterSelection {
  const given = Object.entries(filters).flatMap(([field, value]) => (value === undefined ? [] : field))
  if (all && given.length > 0) {
    throw new ProblemError(
      "validation-failed",
      `all selects every dead letter of the queue: leave it out, or leave out ${given.join(", ")}.`,
    )
  }
  if (all || given.length > 0 || limit !== undefined) {
    return { ...filterOf(filters, reach), ...(limit !== undefined && { limit }) }
  }
  throw new ProblemError(
    "validation-failed",
    `Nothing is selected. Give ${Object.keys(FILTERS).join(", ")} or limit, or set all to true for every dead letter of the queue.`,
  )
}

/** Counts the dead letters of a queue that a limited key may reach. Reads all of them. */
export async function countWithin(engine: Engine, queue: string, reach: RoutingSpace): Promise<number> {
  return (await engine.redrive(queue, { within: reach }, { dryRun: true })).redriven
}
