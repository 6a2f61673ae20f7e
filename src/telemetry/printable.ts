/**
 * Characters that a terminal obeys, or that change how it shows their neighbours: C0 (with newlines), DEL, C1, the
 * bidirectional marks, embeddings, overrides and isolates, and the two Unicode line separators. In text from outside they
 * set titles, forge rows and hide what follows.
 */
const BEYOND_C0 = String.raw`\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069`

const IN_TEXT = patterns(String.raw`\u0000-\u001f${BEYOND_C0}`)

/** In JSON text, a newline is between values and never inside a string. */
const IN_JSON = patterns(String.raw`\u0000-\u0009\u000b-\u001f${BEYOND_C0}`)

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

/** Makes text safe to show on one line of a terminal, by escapes such as `\n`, `\x1b` and `\u202e`. */
export const printable = (text: string): string =>
  IN_TEXT.some.test(text) ? text.replace(IN_TEXT.each, escaped) : text

/**
 * Makes JSON text safe to show, without changing its value: `JSON.stringify` escapes only C0.
 * @param json one or more lines of JSON; their newlines stay
 */
export const printableJson = (json: string): string =>
  IN_JSON.some.test(json) ? json.replace(IN_JSON.each, unicodeEscape) : json

/** Two patterns, because a test is far cheaper than a replacement, and nearly all text needs none. */
function patterns(characters: string): { readonly some: RegExp; readonly each: RegExp } {
  return { some: new RegExp(`[${characters}]`), each: new RegExp(`[${characters}]`, "g") }
}

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  return SHORT_ESCAPES[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : unicodeEscape(character))
}

const unicodeEscape = (character: string): string => `\\u${hex(character.charCodeAt(0), 4)}`

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, "0")
