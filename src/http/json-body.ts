import { ProblemError } from "./problem.ts"

/** How deep arrays and objects may nest. What is deeper can't be written again by every JSON library. */
const MAX_JSON_DEPTH = 100

/** Digits of the largest double, 1.8e308, less one: an integer with more may be beyond it. */
const MAX_DOUBLE_DIGITS = 308

/** What a number beyond the largest double has, where it is written with an exponent. */
const LARGE_EXPONENT = /[eE]\+?\d{3}/

/** Refuses bytes that are not UTF-8, where the default would replace them without a word. */
const UTF8 = new TextDecoder("utf-8", { fatal: true })

/**
 * Reads a request's body as JSON.
 * @throws {ProblemError} `unsupported-media-type`, `payload-too-large` (before the body is read whole) or
 * `malformed-json`.
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  requireJson(request.headers)
  const bytes = await readBytes(request, maxBytes)
  if (bytes.length === 0) throw malformed("The body is empty.")
  return parse(decode(bytes))
}

function requireJson(headers: Headers): void {
  const mediaType = headers.get("content-type")
  if (
    mediaType !== "application/json" &&
    mediaType?.split(";")[0]?.trim().toLowerCase() !== "application/json"
  ) {
    const given = mediaType === null ? "There is no Content-Type." : `${mediaType} is not taken here.`
    throw new ProblemError("unsupported-media-type", `${given} Send Content-Type: application/json.`, {
      outcome: "not-stored",
    })
  }
  const encoding = headers.get("content-encoding")
  if (encoding !== null && encoding !== "identity") {
    throw new ProblemError(
      "unsupported-media-type",
      `The body is encoded as ${encoding}: send it as it is.`,
      {
        outcome: "not-stored",
      },
    )
  }
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const declared = request.headers.get("content-length")
  if (declared !== null) {
    if (Number(declared) > maxBytes) throw tooLarge(maxBytes)
    return request.bytes()
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw malformed("The body is not UTF-8.")
  }
}

function parse(text: string): unknown {
  const { isTooDeep, hasLongNumber } = inspect(text)
  if (isTooDeep) throw malformed(`The body nests deeper than ${MAX_JSON_DEPTH} levels.`)
  const json = parseText(text)
  if ((hasLongNumber || LARGE_EXPONENT.test(text)) && hasInfinity(json)) {
    throw malformed("A number in the body is too large to be kept; send it as a string.")
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
  if (typeof value !== "object" || value === null) return value === Infinity || value === -Infinity
  return Object.values(value).some(hasInfinity)
}

/** Counts brackets, and digits in a row, outside strings; a text too short to have too many is not looked at. */
function inspect(text: string): { readonly isTooDeep: boolean; readonly hasLongNumber: boolean } {
  let isInString = false
  let depth = 0
  let digits = 0
  let hasLongNumber = false
  for (let at = text.length < MAX_JSON_DEPTH * 2 ? text.length : 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isInString) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) isInString = false
      continue
    }
    digits = code >= DIGIT_0 && code <= DIGIT_9 ? digits + 1 : 0
    if (digits > MAX_DOUBLE_DIGITS) hasLongNumber = true
    if (code === QUOTE) isInString = true
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > MAX_JSON_DEPTH) return { isTooDeep: true, hasLongNumber }
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--
  }
  return { isTooDeep: false, hasLongNumber }
}

const QUOTE = 0x22
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

const malformed = (detail: string): ProblemError =>
  new ProblemError("malformed-json", detail, { outcome: "not-stored" })

/** The rest of the body is on its way and will not be read: the connection can't be used again. */
const tooLarge = (maxBytes: number): ProblemError =>
  new ProblemError("payload-too-large", `The body is larger than ${maxBytes} bytes.`, {
    outcome: "not-stored",
    headers: { Connection: "close" },
  })
