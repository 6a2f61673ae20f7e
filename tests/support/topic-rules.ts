/** Returns whether a topic pattern matches a routing key, by a direct implementation of AMQP's rules. */
export const matchesTopic = (pattern: string, key: string): boolean =>
  matchesWords(wordsOf(pattern), wordsOf(key))

/** The empty key has no words. */
const wordsOf = (key: string): readonly string[] => (key === "" ? [] : key.split("."))

function matchesWords(pattern: readonly string[], key: readonly string[]): boolean {
  const [word, ...laterPattern] = pattern
  const [keyWord, ...laterKey] = key
  if (word === undefined) return keyWord === undefined
  if (word === "#") {
    return matchesWords(laterPattern, key) || (keyWord !== undefined && matchesWords(pattern, laterKey))
  }
  if (keyWord === undefined) return false
  return (word === "*" || word === keyWord) && matchesWords(laterPattern, laterKey)
}
