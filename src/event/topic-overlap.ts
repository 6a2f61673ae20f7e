import { canonicalWords } from "./topic-words.ts"

/** Returns true if there is a routing key that both topic patterns match. */
export function patternsOverlap(one: string, other: string): boolean {
  return wordsOverlap(canonicalWords(one), canonicalWords(other))
}

function wordsOverlap(one: readonly string[], other: readonly string[]): boolean {
  const [first, ...rest] = one
  const [otherFirst, ...otherRest] = other
  if (first === undefined || otherFirst === undefined) return [...one, ...other].every((word) => word === "#")
  // A `#` is no word, or one word followed by a `#`.
  if (first === "#") return wordsOverlap(rest, other) || wordsOverlap(one, otherRest)
  if (otherFirst === "#") return wordsOverlap(one, otherRest) || wordsOverlap(rest, other)
  return (first === otherFirst || first === "*" || otherFirst === "*") && wordsOverlap(rest, otherRest)
}
