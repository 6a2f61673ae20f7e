import { z } from "@hono/zod-openapi"
import { PROBLEM_SLUGS, type ProblemSlug, problemType } from "../problem.ts"
import { problemExample } from "./problem-examples.ts"

/** Every problem type as a URN, so that clients get a closed type. */
const PROBLEM_TYPES = PROBLEM_SLUGS.map(problemType) as [string, ...string[]]

const FaultSchema = z
  .object({
    pointer: z
      .string()
      .optional()
      .openapi({ description: "Location in the body, as a JSON pointer (RFC 6901)." }),
    parameter: z.string().optional().openapi({ description: "Name of the query parameter." }),
    message: z.string().openapi({ description: "The fault, without a subject: `is required`." }),
    module: z
      .string()
      .nullish()
      .openapi({ description: "File of the handler module with the fault, within `HANDLERS_DIR`." }),
    file: z.string().nullish().openapi({ description: "File of the module's code with the fault." }),
    line: z.number().int().nullish(),
    column: z.number().int().nullish(),
    frame: z
      .array(z.string())
      .optional()
      .openapi({ description: "The lines around the fault, and a mark below it." }),
  })
  .openapi("Fault")

/** An RFC 9457 problem document. Each kind of problem has an example. */
export const ProblemSchema = z
  .object({
    type: z.enum(PROBLEM_TYPES).openapi({ description: "Kind of problem. Compare this, not `title`." }),
    title: z.string().openapi({ description: "Kind of problem, in words." }),
    status: z.number().int().openapi({ description: "HTTP status of the response." }),
    detail: z.string().openapi({ description: "Explanation of this occurrence." }),
    instance: z
      .string()
      .openapi({ description: "Id of the request, as in the header `X-Request-Id` and in the log." }),
    retryable: z.boolean().openapi({ description: "True if the same request may succeed later." }),
    outcome: z
      .enum(["not-stored", "unknown"])
      .optional()
      .openapi({
        description:
          "Present only on a publish. `not-stored`: the event was not stored. `unknown`: it may have been stored; publish it " +
          "again with the same `id`.",
      }),
    errors: z
      .array(FaultSchema)
      .optional()
      .openapi({ description: "Faults of the input, at most 100. `detail` says how many more there are." }),
  })
  .openapi("Problem", {
    description: "An error, as a problem document (RFC 9457).",
    examples: PROBLEM_SLUGS.map((slug: ProblemSlug) => problemExample(slug, {})),
  })
