import { parseExactly } from "../api/exact-numbers.ts"

export interface JsonFieldProps {
  readonly label: string
  readonly value: string
  readonly onText: (text: string) => void
}

/** A field for JSON. */
export const JsonField = ({ label, value, onText }: JsonFieldProps) => (
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
)

/**
 * Reads what was typed, with its digits.
 * @param what names it in the error
 * @throws {Error} if it is not JSON
 */
export function readJson(text: string, what: string): unknown {
  try {
    return parseExactly(text)
  } catch (error) {
    throw new Error(`The ${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
