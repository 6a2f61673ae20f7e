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

/** Returns the nearest JavaScript number of a number from `parseExactly`. */
export const numberOf = (value: unknown): number =>
  typeof value === "number" ? value : Number(JSON.stringify(value))
