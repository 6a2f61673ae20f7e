import { parseExactly, roundedNumbers } from "../api/exact-numbers.ts"

/** Numbers that the service would round are named up to this number. */
const MAX_ROUNDED = 3

export interface JsonFieldProps {
  readonly label: string
  readonly value: string
  readonly onText: (text: string) => void
}

/** A field for JSON. It says which numbers the service would round: over HTTP it takes those of JavaScript. */
export const JsonField = ({ label, value, onText }: JsonFieldProps) => (
  <>
    <label class="field">
      <span>{label}</span>
      <textarea
        class="mono"
        rows={10}
        spellcheck={false}
        value={value}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    </label>
    <p class="note" role="status">
      {sayRounded(value)}
    </p>
  </>
)

function sayRounded(text: string): string {
  const rounded = roundedNumbers(text)
  if (rounded.length === 0) return ""
  const named = rounded.slice(0, MAX_ROUNDED).map(({ from, to }) => `${from} to ${to}`)
  const more = rounded.length > MAX_ROUNDED ? `, and ${rounded.length - MAX_ROUNDED} more` : ""
  return `The service rounds ${named.join(", ")}${more}. Put a number in quotes to keep its digits.`
}

/**
 * Returns what was typed, as it was typed.
 * @param what names it in the error
 * @throws {Error} if it is not JSON
 */
export function checkJson(text: string, what: string): string {
  try {
    parseExactly(text)
    return text
  } catch (error) {
    throw new Error(`The ${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
