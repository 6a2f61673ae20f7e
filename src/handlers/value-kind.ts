import { parseJson, toJson } from "../system/intrinsics.ts"

/** Longest value that a message repeats, in characters. */
const MAX_SHOWN = 60

/** Key of an object that stands for a value that JSON can't carry. */
const STANDS_FOR = "a value that is not JSON"

/** The name that `nameValue` gives to a function that can be called. */
export const FUNCTION = "a function"

/**
 * Copies a value as JSON carries it. An object that names the kind stands for each value that JSON leaves out, changes or
 * refuses, such as a function, NaN or a Map: no option takes that object, so the value is refused, not ignored.
 */
export function asJson(value: unknown): unknown {
  try {
    return parseJson(toJson(value, (_key, each: unknown) => standInFor(each)))
  } catch {
    // It refers to itself, or its own code throws.
    return { [STANDS_FOR]: "an object that JSON can't carry" }
  }
}

function standInFor(value: unknown): unknown {
  const kind = kindBeyondJson(value)
  return kind === null ? value : { [STANDS_FOR]: kind }
}

/** Names a value, to continue "must be a number, not": a text, a number or a boolean as it is, and others by their kind. */
export function nameValue(value: unknown): string {
  const beyond = kindBeyondJson(value) ?? kindStoodFor(value)
  if (beyond !== null) return beyond
  if (Array.isArray(value)) return "an array"
  if (typeof value === "object" && value !== null) return "an object"
  return String(toJson(value)).slice(0, MAX_SHOWN)
}

/** Returns true for an object that can have options: not for an array, or one that stands for something else. */
export const isOptions = (value: unknown): value is Readonly<Record<string, unknown>> =>
  nameValue(value) === "an object"

/** Names the kind of a value that JSON does not carry; null for one that it does. */
function kindBeyondJson(value: unknown): string | null {
  switch (typeof value) {
    case "function":
      return kindOfFunction(value)
    case "symbol":
      return "a symbol"
    case "bigint":
      return "a bigint"
    case "number":
      return Number.isFinite(value) ? null : String(value)
    case "object":
      return value === null || Array.isArray(value) ? null : kindOfObject(value)
    default:
      return null
  }
}

function kindOfFunction(value: object): string {
  if (/^class\b/.test(Function.prototype.toString.call(value))) return "a class"
  return Object.prototype.toString.call(value).includes("Generator") ? "a generator function" : FUNCTION
}

/** A Map, a promise and other objects of a class without fields look empty to JSON. */
function kindOfObject(value: object): string | null {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype || Object.keys(value).length > 0) return null
  return `an object of the class ${value.constructor?.name || "without a name"}`.slice(0, MAX_SHOWN)
}

function kindStoodFor(value: unknown): string | null {
  if (typeof value !== "object" || value === null || !(STANDS_FOR in value)) return null
  return String(value[STANDS_FOR])
}
