import { ProblemError } from "./problem.ts"

/** How deep arrays and objects may nest. What is deeper can't be written again by every JSON library. */
const MAX_JSON_DEPTH = 100

/** Refuses bytes that are not UTF-8, where the default would replace them without a word. */
const UTF8 = new TextDecoder("utf-8", { fatal: true })

/** Reads JSON text in UTF-8: a body, or a part of one. @throws {ProblemError} `malformed-json`. */
export function decodeJson(bytes: Uint8Array, what = "The body"): unknown {
  if (bytes.length === 0) throw malformed(`${what} is empty.`)
  return parse(decode(bytes, what), what)
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw malformed(`${what} is not UTF-8.`)
  }
}

function parse(text: string, what: string): unknown {
  if (hasManyBrackets(text) && isTooDeep(text)) {
    throw malformed(`${what} nests deeper than ${MAX_JSON_DEPTH} levels.`)
  }
  const json = parseText(text)
  if (hasInfinity(json)) {
    throw malformed("A number is too large to be kept; send it as a string.")
  }
  return json
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw malformed(`${error instanceof Error ? error.message : String(error)}.`)
  }
}

/** JSON.parse reads a number beyond the double's range as Infinity, which would be stored as null. */
function hasInfinity(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value)
  if (typeof value !== "object" || value === null) return false
  return Object.values(value).some(hasInfinity)
}

/** Whether the text has enough brackets to nest too deep: most have not, and are not looked at one by one. */
function hasManyBrackets(text: string): boolean {
  let count = 0
  for (const bracket of ["{", "["]) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++count > MAX_JSON_DEPTH) return true
    }
  }
  return false
}

/** Counts brackets outside strings. */
function isTooDeep(text: string): boolean {
  let isInString = false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isInString) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) isInString = false
    } else if (code === QUOTE) isInString = true
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > MAX_JSON_DEPTH) return true
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--
  }
  return false
}

const QUOTE = 0x22
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

const malformed = (detail: string): ProblemError =>
  new ProblemError("malformed-json", detail, { outcome: "not-stored" })
