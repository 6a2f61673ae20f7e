import { z } from "@hono/zod-openapi"
import { type ProblemSlug, problemStatus, problemTitle } from "../problem.ts"
import { namedExample, type ProblemContext } from "./problem-examples.ts"
import { ProblemSchema } from "./problem-schema.ts"

export const PROBLEM_TYPE = "application/problem+json"

/** The problems of one status. The name of each example is the problem's slug. */
export interface ProblemResponse {
  readonly description: string
  readonly content: {
    readonly [PROBLEM_TYPE]: {
      readonly schema: typeof ProblemSchema
      readonly examples: Readonly<Record<string, ReturnType<typeof namedExample>>>
    }
  }
}

/** Problems of a publish. The problems of the key and the body are added to every route that takes them. */
export const EVENT_PROBLEMS = [
  "idempotency-key-invalid",
  "idempotency-off",
  "idempotency-key-in-flight",
  "idempotency-key-reused",
  "validation-failed",
  "unroutable",
  "too-many-in-flight",
  "engine-refused",
  "queue-full",
  "engine-unavailable",
  "confirm-timeout",
] as const satisfies readonly ProblemSlug[]

/** Returns the responses for the problems of a route, by status. */
export const problemResponses = (...slugs: readonly ProblemSlug[]): Record<string, ProblemResponse> =>
  responsesOf(slugs, {})

/** Returns the responses for these problems, by status, with examples that fit the context. */
export function responsesOf(
  slugs: readonly ProblemSlug[],
  context: ProblemContext,
): Record<string, ProblemResponse> {
  const byStatus = Map.groupBy(slugs, problemStatus)
  return Object.fromEntries([...byStatus].map(([status, kinds]) => [status, responseOf(kinds, context)]))
}

function responseOf(slugs: readonly ProblemSlug[], context: ProblemContext): ProblemResponse {
  const description = slugs.map((slug) => `${problemTitle(slug)} (\`${slug}\`)`).join("; ")
  const examples = Object.fromEntries(slugs.map((slug) => [slug, namedExample(slug, context)]))
  return { description, content: { [PROBLEM_TYPE]: { schema: ProblemSchema, examples } } }
}

/** Returns a response with a JSON body. */
export const jsonResponse = <Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  example?: z.input<Schema>,
) => ({
  description,
  content: { "application/json": example === undefined ? { schema } : { schema, example } },
})

/** Returns the response with a stream of server-sent events. */
export const streamResponse = (example: string) => ({
  description: "The stream",
  content: { "text/event-stream": { schema: z.string(), example } },
})
