import { JsonTextError, parseJsonText } from "../event/json-text.ts"
import { ProblemError } from "./problem.ts"

/** Throws on bytes that are not UTF-8. By default a decoder replaces them silently. */
const UTF8 = new TextDecoder("utf-8", { fatal: true })

/** Decodes JSON in UTF-8: a body, or a part of one. @throws {ProblemError} `malformed-json`. */
export function decodeJson(bytes: Uint8Array, what = "The body"): unknown {
  if (bytes.length === 0) throw malformed(`${what} is empty.`)
  const text = decode(bytes, what)
  try {
    return parseJsonText(text, what)
  } catch (error) {
    if (error instanceof JsonTextError) throw malformed(`${error.message}.`)
    throw error
  }
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw malformed(`${what} is not UTF-8.`)
  }
}

/** Returns the problem of a body that is not JSON. */
export const malformed = (detail: string): ProblemError =>
  new ProblemError("malformed-json", detail, { outcome: "not-stored" })
