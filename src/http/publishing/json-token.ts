import { MAX_JSON_DEPTH } from "../../event/json-text.ts"
import { malformed } from "../json.ts"
import type { ProblemError } from "../problem.ts"

/** The structural bytes of JSON. */
export const JSON_BYTE = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const

const WHITESPACE = new Set([0x20, 0x09, 0x0a, 0x0d])

/** Bytes that can begin a value: a bracket, a quote, a sign, a digit, or a letter of true, false and null. */
const BEGINNINGS = new Set(Buffer.from('{["-0123456789tfn'))

export const isWhitespace = (byte: number): boolean => WHITESPACE.has(byte)

/**
 * One JSON value that arrives in pieces. Finds the end of the value by quotes and brackets only; a parser
 * checks the value itself.
 */
export class JsonToken {
  readonly #maxBytes: number
  readonly #isScalar: boolean
  #pieces: Uint8Array[] = []
  #size = 0
  #depth = 0
  #isInString = false
  #isEscaped = false
  #hasEnded = false

  /**
   * @param first the first byte of the value, which `push` receives again
   * @param at its index in the body
   * @param maxBytes the longest value that is kept
   * @throws {ProblemError} `malformed-json` if no value begins with this byte.
   */
  constructor(first: number, at: number, maxBytes: number) {
    if (!BEGINNINGS.has(first)) throw unexpected(first, at)
    const { quote, openBrace, openBracket } = JSON_BYTE
    this.#isScalar = first !== quote && first !== openBrace && first !== openBracket
    this.#maxBytes = maxBytes
  }

  /** True if the value has ended. A number, true, false or null also ends with the body. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get isScalar(): boolean {
    return this.#isScalar
  }

  /** The whole value; null if it is longer than `maxBytes`. */
  get bytes(): Uint8Array | null {
    if (this.#size > this.#maxBytes) return null
    const [only] = this.#pieces
    return this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces)
  }

  /**
   * Takes the bytes of the value from the chunk, and returns the index after them.
   * @throws {ProblemError} `malformed-json` if the value nests too deep.
   */
  push(chunk: Uint8Array, from: number): number {
    const to = this.#isScalar ? this.#scanScalar(chunk, from) : this.#scan(chunk, from)
    this.#size += to - from
    if (this.#size <= this.#maxBytes) this.#pieces.push(chunk.subarray(from, to))
    else this.#pieces = []
    return to
  }

  #scanScalar(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      const { comma, closeBracket, closeBrace } = JSON_BYTE
      if (byte === comma || byte === closeBracket || byte === closeBrace || isWhitespace(byte)) {
        this.#hasEnded = true
        return at
      }
    }
    return chunk.length
  }

  #scan(chunk: Uint8Array, from: number): number {
    const { quote, backslash, openBrace, openBracket, closeBrace, closeBracket } = JSON_BYTE
    // Local variables, because with private fields the loop takes four times as long.
    let depth = this.#depth
    let isInString = this.#isInString
    let isEscaped = this.#isEscaped
    let at = from
    for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (isInString) {
        if (isEscaped) isEscaped = false
        else if (byte === backslash) isEscaped = true
        else if (byte === quote) {
          isInString = false
          if (depth === 0) break
        }
      } else if (byte === quote) isInString = true
      else if (byte === openBrace || byte === openBracket) {
        if (++depth > MAX_JSON_DEPTH) {
          throw malformed(`The body has a value that nests deeper than ${MAX_JSON_DEPTH} levels.`)
        }
      } else if ((byte === closeBrace || byte === closeBracket) && --depth === 0) break
    }
    this.#depth = depth
    this.#isInString = isInString
    this.#isEscaped = isEscaped
    if (at === chunk.length) return at
    this.#hasEnded = true
    return at + 1
  }
}

/** Returns the problem of a body that has this byte at this index, where JSON has another. */
export function unexpected(byte: number, at: number): ProblemError {
  const found = JSON.stringify(String.fromCharCode(byte))
  return malformed(`The body is not JSON: ${found} is not expected at byte ${at + 1}.`)
}
