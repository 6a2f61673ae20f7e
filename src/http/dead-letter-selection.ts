import { z } from "@hono/zod-openapi"
import type { DeadLetterSelection, Engine } from "../engine/engine.ts"
import { DEAD_LETTER_REASONS } from "../event/failure.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import { ProblemError } from "./problem.ts"

/** How the parameters of a query are read. */
export const SELECTION_KINDS = { ids: "list", limit: "json", all: "json", dry_run: "json" } as const

/** Largest body of a selection, in bytes: it has room for 1,600 ids like ours. Checking a full one takes 50 ms. */
export const MAX_SELECTION_BYTES = 65_536

const NO_OBJECT = "must be a JSON object"

/** Dead letters that one look shows where it is not said, and at the most. */
const DEFAULT_LOOK = 100
const MAX_LOOK = 1_000

const reason = z
  .enum(DEAD_LETTER_REASONS, { error: `must be one of ${DEAD_LETTER_REASONS.join(", ")}` })
  .openapi({ description: "Select those that failed for this reason." })

const name = z
  .string("must be a string")
  .min(1, "must have at least 1 character")
  .openapi({ description: "Select those of events with this name." })

const ids = z
  .array(z.string("must be a string").min(1, "must have at least 1 character"), "must be an array of ids")
  .min(1, "must have at least one id")
  .openapi({ description: "Select those of events with these ids." })

const limit = z
  .int("must be a whole number")
  .min(1, "must be at least 1")
  .openapi({ description: "Select at most this many, the oldest first." })

const flag = z.boolean("must be true or false")

/** Which dead letters to look at: filters, how many, and from where on. */
export const LookSchema = z.strictObject({
  cursor: z
    .string("must be a string")
    .optional()
    .openapi({ description: "`cursor` of the previous answer. Default: start with the oldest dead letter." }),
  limit: limit.max(MAX_LOOK, `must be at most ${MAX_LOOK}`).default(DEFAULT_LOOK).openapi({
    description: "Number of dead letters to list, the oldest first. Default: 100. At most 1,000.",
  }),
  reason: reason.optional(),
  name: name.optional(),
})

const all = flag.default(false).openapi({
  description:
    "Select all dead letters. Required if no filter is given, to prevent accidental bulk operations. Default: `false`.",
})

const dryRun = flag
  .default(false)
  .openapi({ description: "Count the dead letters without changing anything. Default: `false`." })

const filters = {
  reason: reason.optional(),
  name: name.optional(),
  limit: limit.optional(),
  all,
  dry_run: dryRun,
}

/** Which dead letters to purge, as a query. Filters narrow each other. */
export const PurgeQuerySchema = z.strictObject({
  ids: ids.openapi({ example: ["01a20ace-2fd0-77d8-8956-d3985157a5fb"] }).optional(),
  ...filters,
})

/** Which dead letters to redrive. */
export const RedriveSchema = z
  .strictObject(
    {
      ids: ids.optional(),
      ...filters,
    },
    NO_OBJECT,
  )
  .openapi("DeadLetterRedrive", {
    description: "Selects dead letters. Filters narrow each other; one of them, or `all`, is required.",
  })

/**
 * The selection of a redrive or a purge, limited to the dead letters that a key may reach.
 * @throws {ProblemError} `validation-failed` if nothing is selected and `all` is not set.
 */
export function selectionOf(
  { ids, reason, name, limit, all }: z.infer<typeof PurgeQuerySchema>,
  reach: RoutingSpace | null,
): DeadLetterSelection {
  const selection: DeadLetterSelection = {
    ...(ids !== undefined && { ids }),
    ...(reason !== undefined && { reason }),
    ...(name !== undefined && { name }),
    ...(limit !== undefined && { limit }),
  }
  if (Object.keys(selection).length > 0 || all) return withinReach(selection, reach)
  throw new ProblemError(
    "validation-failed",
    "Nothing is selected: give ids, reason, name or limit; or all, as true, for every dead letter of the queue.",
  )
}

/** A selection of dead letters, limited to those that a key may reach. */
export const withinReach = (
  selection: DeadLetterSelection,
  reach: RoutingSpace | null,
): DeadLetterSelection => (reach === null ? selection : { ...selection, within: reach })

/** Counts the dead letters of a queue that a limited key may reach, by reading all of them. */
export async function countWithin(engine: Engine, queue: string, reach: RoutingSpace): Promise<number> {
  return (await engine.redrive(queue, { within: reach }, { dryRun: true })).redriven
}
