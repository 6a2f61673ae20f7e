import { z } from "@hono/zod-openapi"
import { FaultList } from "../event/faults.ts"
import { escapePointer } from "../event/validate.ts"
import { faultsDetail, ProblemError } from "./problem.ts"
import { isChange, type Route } from "./route.ts"

/** How the text of a query's parameter is read, where it is not text: as a list of texts, or as JSON has it. */
export type QueryKinds = Readonly<Record<string, "list" | "json">>

/**
 * Checks a body that was read as JSON.
 * @throws {ProblemError} `validation-failed`, with the faults and their JSON pointers.
 */
export function checkBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const { faults, count } = listFaults(result.error, (path) =>
    path.map((key) => `/${escapePointer(String(key))}`).join(""),
  )
  throw new ProblemError("validation-failed", faultsDetail(faults.length, count), { errors: faults })
}

/**
 * Checks the parameters of a URL's query, which begins with its `?` or is empty. A list is given by commas, by giving the parameter again, or by both;
 * a comma that is part of a value is written as %2C.
 * @throws {ProblemError} `validation-failed`, with the faults and the parameters that have them.
 */
export function checkQuery<Schema extends z.ZodType>(
  schema: Schema,
  query: string,
  kinds: QueryKinds,
): z.output<Schema> {
  const result = schema.safeParse(readQuery(query, kinds))
  if (result.success) return result.data
  const { faults, count } = listFaults(result.error, ([name]) => String(name))
  const errors = faults.map(({ pointer: parameter, message }) => ({ parameter, message }))
  throw new ProblemError("validation-failed", faultsDetail(faults.length, count), { errors })
}

const NO_PARAMETERS = z.strictObject({})

/**
 * Refuses every parameter of a change that takes none: a `dry_run` that nobody reads would change what was to be counted.
 * @throws {ProblemError} `validation-failed`
 */
export function refuseUnreadQuery(route: Route, query: string): void {
  if (isChange(route) && route.description.request?.query === undefined) checkQuery(NO_PARAMETERS, query, {})
}

/** Lists the faults, with where each is. Unknown fields are one issue of zod, and a fault each for the client. */
function listFaults({ issues }: z.ZodError, place: (path: readonly PropertyKey[]) => string): FaultList {
  const list = new FaultList()
  for (const { path, message, ...issue } of issues) {
    if (issue.code !== "unrecognized_keys") list.add(place(path), message)
    else for (const key of issue.keys) list.add(place([...path, key]), "is not known here")
  }
  return list
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
