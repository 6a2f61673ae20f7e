import { z } from "@hono/zod-openapi"
import { type ProblemSlug, problemStatus, problemTitle } from "./problem.ts"

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

/** What a publish can be refused with. */
export const PUBLISH_PROBLEMS = [
  "malformed-json",
  "request-timeout",
  "payload-too-large",
  "unsupported-media-type",
  "validation-failed",
  "unroutable",
  "too-many-in-flight",
  "rate-limited",
  "queue-full",
  "engine-unavailable",
  "confirm-timeout",
] as const satisfies readonly ProblemSlug[]

/** The responses of a route for the problems that it can have, by status. */
export function problemResponses(...slugs: readonly ProblemSlug[]) {
  const byStatus = new Map<number, string[]>()
  for (const slug of slugs) {
    const status = problemStatus(slug)
    byStatus.set(status, [...(byStatus.get(status) ?? []), `${problemTitle(slug)} (\`${slug}\`)`])
  }
  const content = { "application/problem+json": { schema: ProblemSchema } }
  return Object.fromEntries(
    [...byStatus].map(([status, titles]) => [status, { description: titles.join("; "), content }]),
  )
}

/** A response with a JSON body. */
export const jsonResponse = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { "application/json": { schema } },
})
