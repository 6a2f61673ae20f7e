import { z } from "@hono/zod-openapi"
import { escapePointer } from "../event/validate.ts"
import { fieldsOf, inOwnWords, listFaults } from "./input-faults.ts"
import { faultsDetail, ProblemError } from "./problem.ts"
import { explainRepetition, type QueryKinds, readQuery } from "./query-string.ts"
import { isChange, type Route, refusesUnknownQuery } from "./route.ts"

/**
 * Checks a parsed JSON body.
 * @throws {ProblemError} `validation-failed`, with the faults and their JSON pointers.
 */
export function checkBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body, { error: inOwnWords })
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
  const given = readQuery(query, kinds)
  const result = schema.safeParse(given, { error: inOwnWords })
  if (result.success) return result.data
  const fields = fieldsOf(schema)
  const { faults, count } = listFaults(result.error, fields, ([name]) => String(name))
  const errors = faults.map(({ pointer: parameter, message }) => ({
    parameter,
    message:
      (fields.includes(parameter) ? explainRepetition(parameter, given[parameter], kinds) : null) ?? message,
  }))
  throw new ProblemError("validation-failed", faultsDetail(faults.length, count), { errors })
}

const NO_PARAMETERS = z.strictObject({})

/** Length of `{}`, which clients send where a request has nothing to say. */
const EMPTY_OBJECT_BYTES = 2

/**
 * Rejects every parameter of a request that takes none, and every body of a change that takes none: with an
 * ignored `dry_run`, the request would change what it should only count.
 * @throws {ProblemError} `validation-failed`
 */
export function refuseUnreadInput(route: Route, query: string, headers: Headers): void {
  const { request } = route.description
  // Most requests have none, and a publish must not pay for a check.
  if (query !== "" && request?.query === undefined && refusesUnknownQuery(route)) {
    checkQuery(NO_PARAMETERS, query, {})
  }
  if (!isChange(route) || request?.body !== undefined) return
  // A chunked body has no length, and may say `dry_run` as well.
  const isChunked = headers.has("transfer-encoding")
  if (isChunked || Number(headers.get("content-length") ?? 0) > EMPTY_OBJECT_BYTES) {
    const names = request?.query === undefined ? "it takes none" : "give its parameters in the query"
    throw new ProblemError("validation-failed", `The body of this request is not read: ${names}.`)
  }
}
