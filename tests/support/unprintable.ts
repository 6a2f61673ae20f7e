/** Text that sets a title, clears the screen, forges a row, hides text and reverses it. */
export const HOSTILE =
  "a\x1b]0;title\x07\x1b[2J\x1b[8m\r\nforged row\tb\x7f\x85\x9b2J\u202e\u2066\u200f\u061c\u2028c"

/**
 * Returns whether a terminal obeys a character or displays others differently because of it, without a
 * regular expression.
 */
export function isObeyed(character: string): boolean {
  const code = character.charCodeAt(0)
  const isControl = code < 0x20 || (code >= 0x7f && code <= 0x9f)
  const isMark = code === 0x061c || code === 0x200e || code === 0x200f
  const isSeparator = code === 0x2028 || code === 0x2029
  return (
    isControl ||
    isMark ||
    isSeparator ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  )
}

/** Returns the characters of an output that a terminal obeys, except line ends. */
export const obeyedIn = (output: string): readonly string[] =>
  Array.from(output.replaceAll("\r\n", "\n")).filter((character) => character !== "\n" && isObeyed(character))
