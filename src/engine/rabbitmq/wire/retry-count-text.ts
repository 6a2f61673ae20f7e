import { isRetryCount } from "../../../event/envelope.ts"

const NAME = "retry_count"
const NUMBER = /^[\t\n\r ]*:[\t\n\r ]*(-?[0-9][0-9.eE+-]*)/

/** Most characters searched for the number after the name, in UTF-16 code units. */
const MAX_NUMBER_STRETCH = 400

/**
 * Sets the `retry_count` of an event in JSON, and leaves all other characters unchanged: parsing and
 * serializing the text would round numbers that JavaScript can't represent, and fails for deep nesting. A
 * text without the field is returned unchanged, and so is a count that no event can have: what is malformed stays
 * malformed.
 */
export function withRetryCount(json: string, retryCount: number): string {
  let depth = 0
  let found: readonly [start: number, end: number] | null = null
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === "{" || character === "[") depth++
    else if (character === "}" || character === "]") depth--
    else if (character === '"') {
      const end = endOfString(json, at)
      if (depth === 1 && json.slice(at + 1, end) === NAME) found = countBehind(json, end + 1)
      at = end
    }
  }
  return found === null ? json : json.slice(0, found[0]) + retryCount + json.slice(found[1])
}

function countBehind(json: string, from: number): readonly [start: number, end: number] | null {
  const [all, number] = NUMBER.exec(json.slice(from, from + MAX_NUMBER_STRETCH)) ?? []
  if (all === undefined || number === undefined || !isRetryCount(Number(number))) return null
  const end = from + all.length
  return [end - number.length, end]
}

/** Returns the index where the string that starts at this quote ends. */
function endOfString(json: string, quote: number): number {
  for (let at = quote + 1; at < json.length; at++) {
    if (json[at] === "\\") at++
    else if (json[at] === '"') return at
  }
  return json.length
}
