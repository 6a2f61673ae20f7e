/**
 * Splits a routing key or a pattern into words. RabbitMQ reads the empty key as no words, not as one empty
 * word.
 */
export function splitWords(key: string): readonly string[] {
  return key === "" ? [] : key.split(".")
}

/**
 * Splits a pattern into words, in the same order for all patterns with the same meaning: among adjacent
 * wildcards, every `*` comes first and all `#` become one. `#.*.#` and `#.*` become `*.#`.
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
