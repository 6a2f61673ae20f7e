import { JsonFault, requireJson } from "./json-fault.ts"

/** Deepest nesting of arrays and objects. Other JSON libraries can't serialize values that nest deeper. */
export const MAX_JSON_DEPTH = 100

/**
 * Most fields of one object. JavaScript engines store larger objects as hash tables: reading and writing one
 * with 100,000 fields blocks the event loop for some hundred milliseconds.
 */
export const MAX_JSON_FIELDS = 10_000

/** Length below which no object can have too many fields: the shortest field is `"":1,`. */
const MIN_WIDE_LENGTH = MAX_JSON_FIELDS * 5

/** Longest text in which the place of a fault is looked for, in characters: this takes about a millisecond. */
const MAX_SEARCHED_LENGTH = 65_536

/**
 * A number beyond the range of a double has an exponent of three digits or more than 200 digits. Only texts
 * that match one of these are searched for such numbers. One expression for both takes ten times as long.
 */
const LONG_EXPONENT = /[eE]\+?\d{3}/
const MANY_DIGITS = /\b\d{200}/

/** The text is not JSON, or exceeds a bound. The message is a sentence without its full stop. */
export class JsonTextError extends Error {
  override readonly name = "JsonTextError"
}

/**
 * Parses JSON and checks its bounds: nesting, fields of an object, range of numbers.
 * @param what names the text in messages, for example "The body".
 * @throws {JsonTextError} with the reason.
 */
export function parseJsonText(text: string, what: string): unknown {
  checkJsonShape(text, what)
  const value = parse(text, what)
  checkJsonNumbers(text, value)
  return value
}

/**
 * Checks the range of the numbers of a parsed text.
 * @throws {JsonTextError} if one is beyond the range of a double, and would be stored or shown as null.
 */
export function checkJsonNumbers(text: string, value: unknown): void {
  if ((LONG_EXPONENT.test(text) || MANY_DIGITS.test(text)) && hasInfinity(value)) {
    throw new JsonTextError("A number is too large to be stored; send it as a string")
  }
}

/**
 * Checks nesting and the number of fields of an object without parsing.
 * @throws {JsonTextError} with the reason.
 */
export function checkJsonShape(text: string, what: string): void {
  if (text.length >= MIN_WIDE_LENGTH || hasManyBrackets(text)) checkShape(text, what)
}

/** Returns true if a value is a JSON object, and not an array. */
export const isJsonObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new JsonTextError(
      `${what} is not JSON${text.length > MAX_SEARCHED_LENGTH ? "" : placeOfFault(text)}`,
    )
  }
}

function placeOfFault(text: string): string {
  try {
    requireJson(text)
    return ""
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    const line = text.includes("\n") ? `line ${error.line}, ` : ""
    return `: ${line}column ${error.column}: ${error.message}`
  }
}

/**
 * `JSON.parse` reads a number beyond the range of a double as Infinity, which `JSON.stringify` writes as
 * null.
 */
function hasInfinity(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value)
  if (typeof value !== "object" || value === null) return false
  // A loop, because `Object.values` of an array of 500,000 numbers takes a second.
  if (Array.isArray(value)) {
    for (const item of value) if (hasInfinity(item)) return true
    return false
  }
  return Object.values(value).some(hasInfinity)
}

/** Returns whether the text has enough brackets to nest too deep. Most texts have not, and skip the scan. */
function hasManyBrackets(text: string): boolean {
  let count = 0
  for (const bracket of ["{", "["]) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++count > MAX_JSON_DEPTH) return true
    }
  }
  return false
}

/** Counts open brackets, and the fields of each object by its colons, ignoring strings. */
function checkShape(text: string, what: string): void {
  const fields = new Uint32Array(MAX_JSON_DEPTH + 1)
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at)
        break
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > MAX_JSON_DEPTH) {
          throw new JsonTextError(`${what} nests deeper than ${MAX_JSON_DEPTH} levels`)
        }
        fields[depth] = 0
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        // `JSON.parse` reports a closing bracket without an opening one.
        if (depth > 0) depth--
        break
      case COLON:
        fields[depth] = (fields[depth] ?? 0) + 1
        if ((fields[depth] ?? 0) > MAX_JSON_FIELDS) {
          throw new JsonTextError(`${what} has an object with more than ${MAX_JSON_FIELDS} fields`)
        }
        break
    }
  }
}

/**
 * Returns the index where the string that starts at this quote ends, or the length of the text if it doesn't
 * end.
 */
function endOfString(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at
  }
  return text.length
}

const QUOTE = 0x22
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
