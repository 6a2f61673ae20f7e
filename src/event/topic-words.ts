/** The words of a routing key or a pattern. RabbitMQ reads the empty key as no words, not as one empty word. */
export function splitWords(key: string): readonly string[] {
  return key === "" ? [] : key.split(".")
}

/**
 * The words of a pattern, in the one order that all patterns of the same meaning share: of neighbouring wildcards the
 * `*` come first, and the `#` become one. `#.*.#` and `#.*` are `*.#`.
 */
export function canonicalWords(pattern: string): readonly string[] {
  const words: string[] = []
  let hasHash = false
  for (const word of splitWords(pattern)) {
    if (word === "#") {
      hasHash = true
      continue
    }
    if (hasHash && word !== "*") {
      words.push("#")
      hasHash = false
    }
    words.push(word)
  }
  if (hasHash) words.push("#")
  return words
}
