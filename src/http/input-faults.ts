import { z } from "@hono/zod-openapi"
import { FaultList } from "../event/faults.ts"
import { didYouMean } from "../event/suggestion.ts"

/** Unknown names that get a suggestion. A request can have thousands, and each is compared with every name. */
const MAX_SUGGESTIONS = 10

/** The expected value, by zod's name of its type. */
const EXPECTED: Readonly<Record<string, string>> = {
  array: "an array",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a JSON object",
  string: "a string",
}

/** Words the faults for which a schema has no message of its own, so that no message of zod reaches a client. */
export const inOwnWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? "is required"
        : `must be ${EXPECTED[issue.expected] ?? issue.expected}`
    case "too_big":
      return `must be at most ${issue.maximum}`
    case "too_small":
      return `must be at least ${issue.minimum}`
    default:
      return "is not allowed here"
  }
}

/**
 * Lists the faults with their places. zod reports all unknown fields as one issue; the client gets one fault
 * each.
 */
export function listFaults(
  { issues }: z.ZodError,
  fields: readonly string[],
  place: (path: readonly PropertyKey[]) => string,
): FaultList {
  const list = new FaultList()
  for (const { path, message, ...issue } of issues) {
    if (issue.code !== "unrecognized_keys") list.add(place(path), message)
    else {
      for (const [at, key] of issue.keys.entries()) {
        const advice = at < MAX_SUGGESTIONS ? didYouMean(key, fields) : ""
        list.add(place([...path, key]), `is unknown here${advice}`)
      }
    }
  }
  return list
}

/** The names that an object may have; none for another schema. */
export const fieldsOf = (schema: z.ZodType): readonly string[] =>
  schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
