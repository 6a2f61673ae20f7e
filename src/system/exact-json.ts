/** The parts of JSON that the types do not have yet. Source: the TC39 proposal JSON.parse source text access. */
declare global {
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown
    rawJSON(text: string): unknown
  }
}

/** Parses JSON into a value that `JSON.stringify` writes with the same digits, also of numbers that JavaScript rounds. */
export const parseExactly = (text: string): unknown =>
  JSON.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined ? JSON.rawJSON(source) : value,
  )
