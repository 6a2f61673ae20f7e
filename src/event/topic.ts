/**
 * Topic patterns, as AMQP 0-9-1 has them: words joined by dots, `*` for exactly one word, `#` for any
 * number of words, none included. In a routing key both are ordinary words.
 * Source: AMQP 0-9-1, section 3.1.3.3, "The topic exchange type".
 */

/** A compiled topic pattern: tells whether a routing key matches it. */
export type TopicMatcher = (routingKey: string) => boolean

/** Compiles a topic pattern once, for many routing keys. */
export function compileTopic(pattern: string): TopicMatcher {
  const patternWords = splitWords(pattern)
  if (patternWords.every(isLiteral)) return (routingKey) => routingKey === pattern
  return (routingKey) => matchWords(patternWords, splitWords(routingKey))
}

const isLiteral = (word: string): boolean => word !== "*" && word !== "#"

/** RabbitMQ reads the empty key as no words at all, not as one empty word. */
function splitWords(key: string): readonly string[] {
  return key === "" ? [] : key.split(".")
}

/**
 * Greedy matching with one point to come back to: only the latest `#` can need to take one word more, so
 * the cost is at most pattern × key, however many `#` there are.
 */
function matchWords(pattern: readonly string[], key: readonly string[]): boolean {
  let patternAt = 0
  let keyAt = 0
  let hashAt = -1
  let hashTakesUpTo = 0
  while (keyAt < key.length) {
    const word = pattern[patternAt]
    if (word === "#") {
      hashAt = patternAt++
      hashTakesUpTo = keyAt
    } else if (word === "*" || (word !== undefined && word === key[keyAt])) {
      patternAt++
      keyAt++
    } else if (hashAt >= 0) {
      patternAt = hashAt + 1
      keyAt = ++hashTakesUpTo
    } else {
      return false
    }
  }
  while (pattern[patternAt] === "#") patternAt++
  return patternAt === pattern.length
}
