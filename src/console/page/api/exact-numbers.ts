/** The part of JSON that the types do not have yet. Source: the TC39 proposal JSON.parse source text access. */
declare global {
  interface JSON {
    rawJSON(text: string): unknown
  }
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown

const parse: (text: string, reviver: Reviver) => unknown = JSON.parse

/**
 * Parses JSON so that `JSON.stringify` writes the same digits. A number that JavaScript would write otherwise, because it
 * rounds it, becomes an opaque value. A browser without support for this rounds it: Firefox before 135, Safari before 18.4.
 */
export const parseExactly = (text: string): unknown =>
  parse(text, (_key, value, context) => {
    const source = context?.source
    return typeof value === "number" && source !== undefined && source !== String(value)
      ? JSON.rawJSON(source)
      : value
  })

export interface Rounded {
  readonly from: string
  readonly to: string
}

/** Returns the numbers of a JSON text that change if a program reads them as JavaScript does; none if the text is not JSON. */
export function roundedNumbers(text: string): readonly Rounded[] {
  const found: Rounded[] = []
  try {
    parse(text, (_key, value, context) => {
      const source = context?.source
      if (typeof value === "number" && source !== undefined && !isSame(source, String(value))) {
        found.push({ from: source, to: String(value) })
      }
      return value
    })
  } catch {
    // Whoever sends the text says why it is not JSON.
    return []
  }
  return found
}

const isSame = (a: string, b: string): boolean => decimalOf(a) === decimalOf(b)

/** Returns the value of a decimal number in one form, so that 1.0, 1 and 10e-1 are the same. */
function decimalOf(text: string): string {
  const [, sign = "", whole = "", fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  if (whole === "") return text
  const digits = (whole + fraction).replace(/^0+/, "")
  const significant = digits.replace(/0+$/, "")
  if (significant === "") return "0"
  return `${sign}${significant}e${Number(power) - fraction.length + digits.length - significant.length}`
}

/** Returns the nearest JavaScript number of a number from `parseExactly`. */
export const numberOf = (value: unknown): number =>
  typeof value === "number" ? value : Number(JSON.stringify(value))
