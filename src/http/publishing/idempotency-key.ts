import { ProblemError } from "../problem.ts"

/** Name of the request header. Source: draft-ietf-httpapi-idempotency-key-header-07. */
export const IDEMPOTENCY_KEY = "Idempotency-Key"

/** Most characters of a key. Longer ones are not needed: a UUID has 36. */
export const MAX_KEY_LENGTH = 255

/** A string in quotes. Source: RFC 8941, section 3.3.3. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/
const ESCAPED = /\\(["\\])/g

/** A key without quotes, as many clients send it: no spaces, quotes, commas, semicolons and backslashes. */
const BARE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/

const NOT_PRINTABLE = /[^\x20-\x7e]/

/**
 * Reads the value of the header: a string in quotes, as the draft says, or the same key without quotes.
 * @throws {ProblemError} `idempotency-key-invalid`
 */
export function parseIdempotencyKey(value: string): string {
  const quoted = QUOTED.exec(value)?.[1]?.replace(ESCAPED, "$1")
  const key = quoted ?? (BARE.test(value) ? value : null)
  if (key === null) throw invalid(faultOf(value))
  if (key === "") throw invalid("is empty")
  if (key.length > MAX_KEY_LENGTH)
    throw invalid(`has ${key.length} characters, and at most ${MAX_KEY_LENGTH} are allowed`)
  return key
}

function faultOf(value: string): string {
  if (value === "") return "is empty"
  if (NOT_PRINTABLE.test(value)) return "has characters other than printable ASCII"
  if (value.includes(",")) return "has more than one value, or a comma outside of quotes"
  if (value.startsWith('"')) return "has no end quote, or something behind it, or an invalid escape"
  return "has a space, a quote, a semicolon or a backslash outside of quotes"
}

const invalid = (fault: string): ProblemError =>
  new ProblemError(
    "idempotency-key-invalid",
    `The header ${IDEMPOTENCY_KEY} ${fault}. Send one key, such as "8e03978e-40d5-43dd-bc93-6894a57f9324".`,
    { outcome: "not-stored" },
  )
