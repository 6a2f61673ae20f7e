import { z } from "@hono/zod-openapi"
import { ProblemError, type ProblemSlug, problemStatus, problemTitle, toProblem } from "../problem.ts"

const EXAMPLE_REQUEST_ID = "01a20ace-2fda-767d-a7a1-4165c653944a"

const ProblemSchema = z
  .object({
    type: z.string().openapi({ example: "urn:event-broker:problem:validation-failed" }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string().openapi({ description: "The request's id, as in `X-Request-Id` and the log." }),
    retryable: z.boolean().openapi({ description: "Whether the same request may succeed later." }),
    outcome: z
      .enum(["not-stored", "unknown"])
      .optional()
      .openapi({ description: "Of a publish: whether the event may be stored all the same." }),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().openapi({ description: "Where in the body, as a JSON pointer." }),
          parameter: z.string().optional().openapi({ description: "Which parameter of the URL." }),
          message: z.string(),
        }),
      )
      .optional(),
  })
  .openapi("Problem")

/** What an event can be refused with; that a key or a body can be refused is said of every route that takes one. */
export const EVENT_PROBLEMS = [
  "validation-failed",
  "unroutable",
  "too-many-in-flight",
  "engine-refused",
  "queue-full",
  "engine-unavailable",
  "confirm-timeout",
] as const satisfies readonly ProblemSlug[]

/** What a problem of this kind looks like. */
const exampleOf = (slug: ProblemSlug) => ({
  summary: problemTitle(slug),
  value: toProblem(new ProblemError(slug, `${problemTitle(slug)}.`), EXAMPLE_REQUEST_ID),
})

/** The responses of a route for the problems that it can have, by status. */
export function problemResponses(...slugs: readonly ProblemSlug[]) {
  const byStatus = Map.groupBy(slugs, problemStatus)
  return Object.fromEntries([...byStatus].map(([status, kinds]) => [status, problemResponse(kinds)]))
}

function problemResponse(slugs: readonly ProblemSlug[]) {
  const description = slugs.map((slug) => `${problemTitle(slug)} (\`${slug}\`)`).join("; ")
  const examples = Object.fromEntries(slugs.map((slug) => [slug, exampleOf(slug)]))
  return { description, content: { "application/problem+json": { schema: ProblemSchema, examples } } }
}

/** A response with a JSON body. */
export const jsonResponse = <Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  example?: z.output<Schema>,
) => ({
  description,
  content: { "application/json": example === undefined ? { schema } : { schema, example } },
})
