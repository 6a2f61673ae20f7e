import { z } from "@hono/zod-openapi"
import { FaultList } from "../event/faults.ts"
import { didYouMean } from "../event/suggestion.ts"
import { escapePointer } from "../event/validate.ts"
import { faultsDetail, ProblemError } from "./problem.ts"
import { isChange, type Route } from "./route.ts"

/** Parameters that are not plain text: a list of texts, or a JSON literal. */
export type QueryKinds = Readonly<Record<string, "list" | "json">>

/**
 * Checks a parsed JSON body.
 * @throws {ProblemError} `validation-failed`, with the faults and their JSON pointers.
 */
export function checkBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const { faults, count } = listFaults(result.error, fieldsOf(schema), (path) =>
    path.map((key) => `/${escapePointer(String(key))}`).join(""),
  )
  throw new ProblemError("validation-failed", faultsDetail(faults.length, count), { errors: faults })
}

/**
 * Checks the parameters of a query, which begins with `?` or is empty. The items of a list are separated by
 * commas, given as repeated parameters, or both; a comma within an item is written as %2C.
 * @throws {ProblemError} `validation-failed`, with the faults and their parameters.
 */
export function checkQuery<Schema extends z.ZodType>(
  schema: Schema,
  query: string,
  kinds: QueryKinds,
): z.output<Schema> {
  const result = schema.safeParse(readQuery(query, kinds))
  if (result.success) return result.data
  const { faults, count } = listFaults(result.error, fieldsOf(schema), ([name]) => String(name))
  const errors = faults.map(({ pointer: parameter, message }) => ({ parameter, message }))
  throw new ProblemError("validation-failed", faultsDetail(faults.length, count), { errors })
}

const fieldsOf = (schema: z.ZodType): readonly string[] =>
  schema instanceof z.ZodObject ? Object.keys(schema.shape) : []

/** Unknown names that get a suggestion. A request can have thousands, and each is compared with every name. */
const MAX_SUGGESTIONS = 10

const NO_PARAMETERS = z.strictObject({})

/** Length of `{}`, which clients send where a request has nothing to say. */
const EMPTY_OBJECT_BYTES = 2

/**
 * Rejects every parameter of a request that takes none, unless it only reads, and every body of a change that
 * takes none: with an ignored `dry_run`, the request would change what it should only count.
 * @throws {ProblemError} `validation-failed`
 */
export function refuseUnreadInput(route: Route, query: string, headers: Headers): void {
  const { request } = route.description
  // Most requests have none, and a publish must not pay for a check.
  if (query !== "" && route.method !== "GET" && request?.query === undefined) {
    checkQuery(NO_PARAMETERS, query, {})
  }
  if (!isChange(route) || request?.body !== undefined) return
  if (Number(headers.get("content-length") ?? 0) > EMPTY_OBJECT_BYTES) {
    const names = request?.query === undefined ? "it takes none" : "give its parameters in the query"
    throw new ProblemError("validation-failed", `The body of this request is not read: ${names}.`)
  }
}

/**
 * Lists the faults with their places. zod reports all unknown fields as one issue; the client gets one fault
 * each.
 */
function listFaults(
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

/** A repeated parameter that is not a list stays an array, so that the schema rejects it. */
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

/** Returns names, and values as they were sent: their commas separate items only before decoding. */
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
    // Not percent-encoded: use the text unchanged.
    return text
  }
}

/** Reads a number or a boolean; anything else stays text, so that the schema rejects it. */
function readLiteral(text: string): unknown {
  if (text === "true" || text === "false") return text === "true"
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}
