import type { ErrorObject, ValidateFunction } from "ajv/dist/2020.js"
import type { Fault } from "../event/errors.ts"
import { escapePointer } from "../event/validate.ts"
import { CheckTooLongError, PayloadCheck } from "./payload-check.ts"

/** Two validators of one schema. Each is called on a `PayloadCheck`. */
export interface PayloadJudge {
  /** Stops at the first fault. */
  readonly first: ValidateFunction
  /** Finds all faults. Compiled when it is first asked for. */
  readonly all: () => ValidateFunction
}

/** Faults of one payload that are listed. */
const MAX_FAULTS = 100

/** Values of a payload of which all faults are looked for. Of a larger one the first is told. */
const MAX_SEARCHED_VALUES = 1_000

/** Characters of a fault's pointer: names of fields are the client's, and each fault repeats those above it. */
const MAX_POINTER_LENGTH = 1_000

/** Characters of a fault's message: it repeats the schema's pattern, or its allowed values. */
const MAX_MESSAGE_LENGTH = 500

/** What is wrong with a payload, and where below the pointer. Empty if it is valid. */
export function faultsOfPayload(judge: PayloadJudge, payload: unknown, pointer: string): readonly Fault[] {
  try {
    if (judge.first.call(new PayloadCheck(), payload)) return []
    const isSearched = countValues(payload, MAX_SEARCHED_VALUES) <= MAX_SEARCHED_VALUES
    const judging = isSearched ? judge.all() : judge.first
    if (isSearched) judging.call(new PayloadCheck(), payload)
    const errors = judging.errors ?? []
    const faults = errors.slice(0, MAX_FAULTS).map((error) => toFault(error, pointer))
    if (errors.length > MAX_FAULTS)
      faults.push({ pointer, message: `has ${errors.length - MAX_FAULTS} more faults` })
    if (!isSearched) {
      const message = `has more than ${MAX_SEARCHED_VALUES} values: only the first fault is listed`
      faults.push({ pointer, message })
    }
    return faults
  } catch (error) {
    if (!(error instanceof CheckTooLongError || isStackOverflow(error))) throw error
    return [{ pointer, message: "takes too long to be held against its schema, which refers to itself" }]
  }
}

/** The runtime's error for too many calls within each other. */
export const isStackOverflow = (error: unknown): boolean => error instanceof RangeError

/** How many values there are in a value, itself included; counts no further than one beyond the bound. */
function countValues(value: unknown, max: number): number {
  let count = 0
  const pending: unknown[] = [value]
  while (pending.length > 0 && count <= max) {
    const next = pending.pop()
    count++
    if (typeof next !== "object" || next === null) continue
    for (const each of Object.values(next)) {
      if (pending.length > max) break
      pending.push(each)
    }
  }
  return count
}

function toFault(error: ErrorObject, pointer: string): Fault {
  const { instancePath, params } = error
  const below = (name: unknown): string => `${instancePath}/${escapePointer(String(name))}`
  switch (error.keyword) {
    case "required":
      return fault(pointer + below(params["missingProperty"]), "is required")
    case "additionalProperties":
      return fault(pointer + below(params["additionalProperty"]), "is not a field that the schema has")
    case "unevaluatedProperties":
      return fault(pointer + below(params["unevaluatedProperty"]), "is not a field that the schema has")
    case "enum":
      return fault(pointer + instancePath, `must be one of ${JSON.stringify(params["allowedValues"])}`)
    case "const":
      return fault(pointer + instancePath, `must be ${JSON.stringify(params["allowedValue"])}`)
    default:
      return fault(pointer + instancePath, error.message ?? `breaks the rule ${error.keyword}`)
  }
}

const fault = (pointer: string, message: string): Fault => ({
  pointer: cut(pointer, MAX_POINTER_LENGTH),
  message: cut(message, MAX_MESSAGE_LENGTH),
})

const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text
