import { z } from "@hono/zod-openapi"
import { NDJSON } from "../media-type.ts"
import { checkQuery } from "../parameters.ts"
import { ProblemError } from "../problem.ts"

/** Parameters of the route for batches. */
export const BatchQuerySchema = z.strictObject({
  first_line: z
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .openapi({
      description:
        `Number of the first line, for \`${NDJSON}\` alone. Default: 1. An upload that continues an earlier one with the same ` +
        "`Idempotency-Key` gives its lines the numbers that they had.",
    }),
})

/**
 * Reads the number of the first line of a body.
 * @throws {ProblemError} `validation-failed`, also if the body has no lines
 */
export function firstLineOf(query: string, hasLines: boolean): number {
  const { first_line: firstLine } = checkQuery(BatchQuerySchema, query, { first_line: "json" })
  if (firstLine === undefined || hasLines) return firstLine ?? 1
  const fault = { parameter: "first_line", message: `is only for ${NDJSON}` }
  throw new ProblemError("validation-failed", "The input has faults, listed in `errors`.", {
    outcome: "not-stored",
    errors: [fault],
  })
}
