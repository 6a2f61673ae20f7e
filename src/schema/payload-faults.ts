import type { ErrorObject, ValidateFunction } from "ajv/dist/2020.js"
import { type Fault, FaultList } from "../event/faults.ts"
import { escapePointer } from "../event/validate.ts"
import { faultMessage } from "./fault-message.ts"
import { CheckTooLongError, PayloadCheck } from "./payload-check.ts"

/** Two validators of one schema. Each is called on a `PayloadCheck`. */
export interface PayloadJudge {
  /** Stops at the first fault. */
  readonly first: ValidateFunction
  /** Finds all faults. Compiled at the first call. */
  readonly all: () => ValidateFunction
}

/** Most faults of one payload that are listed; the others are counted. */
const MAX_FAULTS = 100

/** Largest payload, in values, whose faults are all searched. Of a larger one, only the first is listed. */
const MAX_SEARCHED_VALUES = 1_000

const UNKNOWN_FIELD = "is not a field of the schema"

/** Lists the faults of a payload, with their places below the pointer. Empty if it is valid. */
export function faultsOfPayload(judge: PayloadJudge, payload: unknown, pointer: string): FaultList {
  const faults = new FaultList()
  try {
    if (judge.first.call(new PayloadCheck(), payload)) return faults
    const isSearched = countValues(payload, MAX_SEARCHED_VALUES) <= MAX_SEARCHED_VALUES
    const judging = isSearched ? judge.all() : judge.first
    if (isSearched) judging.call(new PayloadCheck(), payload)
    const errors = judging.errors ?? []
    for (const error of errors.slice(0, MAX_FAULTS)) {
      const fault = toFault(error, pointer)
      faults.add(fault.pointer, fault.message)
    }
    faults.skip(Math.max(errors.length - MAX_FAULTS, 0))
    if (!isSearched) {
      faults.add(pointer, `has more than ${MAX_SEARCHED_VALUES} values: only the first fault is listed`)
    }
  } catch (error) {
    if (!(error instanceof CheckTooLongError || isStackOverflow(error))) throw error
    faults.add(pointer, "takes too long to check against its schema, which refers to itself")
  }
  return faults
}

/** The runtime's error for too many calls within each other. */
export const isStackOverflow = (error: unknown): boolean => error instanceof RangeError

/** Counts the values in a value, itself included, up to one beyond the bound. */
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

function toFault(error: ErrorObject, root: string): Fault {
  const { instancePath, params } = error
  const pointer = root + instancePath
  const below = (name: unknown): string => `${pointer}/${escapePointer(String(name))}`
  switch (error.keyword) {
    case "required":
      return { pointer: below(params["missingProperty"]), message: "is required" }
    case "additionalProperties":
      return { pointer: below(params["additionalProperty"]), message: UNKNOWN_FIELD }
    case "unevaluatedProperties":
      return { pointer: below(params["unevaluatedProperty"]), message: UNKNOWN_FIELD }
    default:
      return { pointer, message: faultMessage(error) }
  }
}
