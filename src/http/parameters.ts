import type { z } from "@hono/zod-openapi"
import { escapePointer } from "../event/validate.ts"
import { ProblemError } from "./problem.ts"

/** How the text of a query's parameter is read, where it is not text: as a list of texts, or as JSON has it. */
export type QueryKinds = Readonly<Record<string, "list" | "json">>

/** A fault, with the path to where it is. */
interface FoundFault {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

const DETAIL = "The input has faults, listed in `errors`."

/**
 * Checks a body that was read as JSON.
 * @throws {ProblemError} `validation-failed`, with each fault and its JSON pointer.
 */
export function checkBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const errors = faultsOf(result.error).map(({ path, message }) => ({
    pointer: path.map((key) => `/${escapePointer(String(key))}`).join(""),
    message,
  }))
  throw new ProblemError("validation-failed", DETAIL, { errors })
}

/**
 * Checks the parameters of a URL's query, which begins with its `?` or is empty. A list is given by commas, by giving the parameter again, or by both;
 * a comma that is part of a value is written as %2C.
 * @throws {ProblemError} `validation-failed`, with each fault and the parameter that has it.
 */
export function checkQuery<Schema extends z.ZodType>(
  schema: Schema,
  query: string,
  kinds: QueryKinds,
): z.output<Schema> {
  const result = schema.safeParse(readQuery(query, kinds))
  if (result.success) return result.data
  const errors = faultsOf(result.error).map(({ path, message }) => ({ parameter: String(path[0]), message }))
  throw new ProblemError("validation-failed", DETAIL, { errors })
}

/** Fields that are not known are one issue of zod's, and a fault each for the client. */
function faultsOf({ issues }: z.ZodError): readonly FoundFault[] {
  return issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ path: [...issue.path, key], message: "is not known here" }))
      : [{ path: issue.path, message: issue.message }],
  )
}

/** What is given twice and is no list stays a list, to be refused as one. */
function readQuery(query: string, kinds: QueryKinds): Record<string, unknown> {
  const read: Record<string, unknown> = Object.create(null)
  for (const [name, pairs] of Map.groupBy(pairsOf(query), ([name]) => name)) {
    const texts = pairs.map(([, text]) => text)
    const [text = ""] = texts
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : "text"
    if (kind === "list") read[name] = texts.flatMap((each) => each.split(",")).map(decode)
    else if (texts.length > 1) read[name] = texts
    else read[name] = kind === "json" ? readLiteral(decode(text)) : decode(text)
  }
  return read
}

/** Names, and values as they were sent: their commas tell a list only before they are decoded. */
function pairsOf(query: string): readonly (readonly [name: string, text: string])[] {
  return query
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name = "", ...rest] = pair.split("=")
      return [decode(name), rest.join("=")] as const
    })
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    // Not percent-encoded at all: it is taken as it is.
    return text
  }
}

/** A number or a boolean; what is neither stays text, to be refused as such. */
function readLiteral(text: string): unknown {
  if (text === "true" || text === "false") return text === "true"
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}
