import { z } from "@hono/zod-openapi"
import type { DeadLetterSelection, Engine } from "../engine/engine.ts"
import { FAILURE_REASONS } from "../event/failure.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import { ProblemError } from "./problem.ts"

/** How the parameters of a query are read. */
export const SELECTION_KINDS = { ids: "list", limit: "json", all: "json" } as const

/** The part of the path that names the queue. */
export const QueueParameters = z.object({
  queue: z.string().openapi({ param: { name: "queue", in: "path" }, example: "voice_events" }),
})

/** Largest body of a selection, in bytes: it has room for 1,600 ids like ours. Checking a full one takes 50 ms. */
export const MAX_SELECTION_BYTES = 65_536

const NO_OBJECT = "must be a JSON object"

/** Dead letters that one look shows where it is not said, and at the most. */
const DEFAULT_LOOK = 100
const MAX_LOOK = 1_000

const reason = z
  .enum(FAILURE_REASONS, { error: `must be one of ${FAILURE_REASONS.join(", ")}` })
  .openapi({ description: "Those that failed for this reason." })

const name = z
  .string("must be a string")
  .min(1, "must have at least 1 character")
  .openapi({ description: "Those of events with this name." })

const ids = z
  .array(z.string("must be a string").min(1, "must have at least 1 character"), "must be an array of ids")
  .min(1, "must have at least one id")
  .openapi({ description: "Those of these events." })

const limit = z
  .int("must be a whole number")
  .min(1, "must be at least 1")
  .openapi({ description: "The oldest of them, at most so many." })

const flag = z.boolean("must be true or false")

/** Which dead letters to look at: filters, how many, and from where on. */
export const LookSchema = z.strictObject({
  cursor: z
    .string("must be a string")
    .optional()
    .openapi({ description: "The `cursor` of the answer before; without it, from the oldest." }),
  limit: limit
    .max(MAX_LOOK, `must be at most ${MAX_LOOK}`)
    .default(DEFAULT_LOOK)
    .openapi({ description: "How many to show, the oldest first." }),
  reason: reason.optional(),
  name: name.optional(),
})

const all = flag
  .default(false)
  .openapi({ description: "All of them; without a selection it has to be said, lest it be by mistake." })

/** Which dead letters to purge. What is given together narrows each other. */
export const PurgeSchema = z
  .strictObject(
    {
      ids: ids.optional(),
      reason: reason.optional(),
      name: name.optional(),
      limit: limit.optional(),
      all,
    },
    NO_OBJECT,
  )
  .openapi("DeadLetterPurge")

/** Which dead letters to redrive. */
export const RedriveSchema = PurgeSchema.extend({
  dry_run: flag.default(false).openapi({ description: "Count them, and move none." }),
}).openapi("DeadLetterRedrive")

/**
 * The selection of a redrive or a purge, limited to the dead letters that a key may reach.
 * @throws {ProblemError} `validation-failed` if nothing is selected and `all` is not set.
 */
export function selectionOf(
  { ids, reason, name, limit, all }: z.infer<typeof PurgeSchema>,
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
