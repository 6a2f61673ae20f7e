/** A text that is not JSON, with the place of the fault. */
export class JsonFault extends Error {
  override readonly name = "JsonFault"
  /** Both count from 1. The column counts characters. */
  readonly line: number
  readonly column: number

  constructor(text: string, offset: number, reason: string) {
    super(reason)
    const lines = text.slice(0, offset).split("\n")
    this.line = lines.length
    this.column = Array.from(lines.at(-1) ?? "").length + 1
  }
}

/** Source: RFC 8259, sections 2, 6 and 7. */
const SPACE = /[ \t\r\n]*/uy
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy

/**
 * Parses the text of a file, with or without a byte order mark.
 * @throws {JsonFault} at the first place at which it is not JSON; the runtime's own error names none
 */
export function parseJsonFile(text: string): unknown {
  const content = text.replace(/^\uFEFF/, "")
  try {
    return JSON.parse(content)
  } catch (cause) {
    requireJson(content)
    // Both follow the same grammar, so this is not reached; the runtime's error is better than none.
    throw cause
  }
}

/** @throws {JsonFault} at the first place at which a text is not JSON */
export const requireJson = (text: string): void => new Scan(text).requireJson()

/** Reads a text as JSON up to the first fault. */
class Scan {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** @throws {JsonFault} */
  requireJson(): void {
    this.#value()
    if (this.#next() !== undefined) this.#fail("unexpected text after the JSON value")
  }

  #value(): void {
    const next = this.#next()
    if (next === "{") this.#list("}", () => this.#field())
    else if (next === "[") this.#list("]", () => this.#value())
    else if (next === '"') this.#string()
    else if (!this.#skip(SCALAR)) {
      this.#fail("expected a JSON value: a string in double quotes, a number, true, false, null, { or [")
    }
  }

  #list(end: "}" | "]", item: () => void): void {
    this.#at++
    if (this.#next() !== end) {
      item()
      while (this.#next() === ",") {
        this.#at++
        item()
      }
    }
    if (this.#next() !== end) this.#fail(`expected a comma or ${end}`)
    this.#at++
  }

  #field(): void {
    if (this.#next() !== '"') this.#fail("expected a name in double quotes")
    this.#string()
    if (this.#next() !== ":") this.#fail("expected a colon")
    this.#at++
    this.#value()
  }

  #string(): void {
    if (!this.#skip(STRING)) {
      this.#fail("the string is not closed on its line, or has an invalid escape")
    }
  }

  /** Skips space; returns the character after it, or undefined at the end. */
  #next(): string | undefined {
    this.#skip(SPACE)
    return this.#text[this.#at]
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const isThere = pattern.test(this.#text)
    if (isThere) this.#at = pattern.lastIndex
    return isThere
  }

  #fail(reason: string): never {
    throw new JsonFault(this.#text, this.#at, reason)
  }
}
