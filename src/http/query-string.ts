/** Parameters that are not plain text: a list of texts, or a JSON literal. */
export type QueryKinds = Readonly<Record<string, "list" | "json">>

/**
 * Reads the parameters of a query, which begins with `?` or is empty. A repeated parameter that is not a list becomes an
 * array, so that the schema rejects it.
 */
export function readQuery(query: string, kinds: QueryKinds): Record<string, unknown> {
  const read: Record<string, unknown> = Object.create(null)
  for (const [name, pairs] of Map.groupBy(pairsOf(query), ([name]) => name)) {
    const texts = pairs.map(([, text]) => text)
    const [text = ""] = texts
    const kind = kindOf(name, kinds)
    if (kind === "list") read[name] = texts.flatMap((each) => each.split(",")).map(decode)
    else if (texts.length > 1) read[name] = texts
    else read[name] = kind === "json" ? readLiteral(decode(text)) : decode(text)
  }
  return read
}

/** Explains why a parameter that was read can't be used, if it was given more than once; otherwise null. */
export function explainRepetition(name: string, value: unknown, kinds: QueryKinds): string | null {
  if (!Array.isArray(value) || kindOf(name, kinds) === "list") return null
  return `is given ${value.length} times: give it once`
}

const kindOf = (name: string, kinds: QueryKinds) => (Object.hasOwn(kinds, name) ? kinds[name] : "text")

/** Returns names, and values as they were sent: their commas separate items only before decoding. */
function pairsOf(query: string): readonly (readonly [name: string, text: string])[] {
  return query
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name = "", ...rest] = pair.split("=")
      return [decode(name), rest.join("=")] as const
    })
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    // Not percent-encoded: use the text unchanged.
    return text
  }
}

/** Reads a number or a boolean; anything else stays text, so that the schema rejects it. */
function readLiteral(text: string): unknown {
  if (text === "true" || text === "false") return text === "true"
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}
