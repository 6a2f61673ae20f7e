/** Typing errors in a word that still count as a typo of another one; fewer in a short word. */
const MAX_ERRORS = 3
const LETTERS_PER_ERROR = 2.5

/** Shortest candidate that another form of the word suggests. */
const MIN_FORM_LENGTH = 4

/** Longest word that is compared, in UTF-16 code units: the time grows with its square. */
const MAX_LENGTH = 128

/** Most candidates of a similar length that are compared letter by letter: queues can be thousands. */
const MAX_COMPARED = 256

/** Returns the candidate that was probably meant; null if none is near. */
export function suggest(word: string, candidates: readonly string[]): string | null {
  if (word.length > MAX_LENGTH) return null
  const bound = Math.min(MAX_ERRORS, Math.floor(word.length / LETTERS_PER_ERROR))
  const [nearest] = candidates
    .filter((candidate) => isSimilar(word, candidate, bound))
    .slice(0, MAX_COMPARED)
    .map((candidate) => ({ candidate, errors: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(
      ({ candidate, errors }) => errors <= bound || isBeginning(word, candidate) || isForm(word, candidate),
    )
    .toSorted((one, other) => one.errors - other.errors)
  return nearest?.candidate ?? null
}

/** Ends a message about a word with the candidate that was probably meant; empty if none is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const nearest = suggest(word, candidates)
  return nearest === null ? "" : `; did you mean ${nearest}?`
}

/** Returns false for a candidate that can't be near: each letter more or less is an error. */
const isSimilar = (word: string, candidate: string, bound: number): boolean =>
  Math.abs(word.length - candidate.length) <= bound || isBeginning(word, candidate) || isForm(word, candidate)

const isBeginning = (word: string, candidate: string): boolean =>
  word.length >= 3 && candidate.startsWith(word.toLowerCase())

/** Returns true if one of both is the other with an `s`, as `id` and `ids`. */
const isPlural = (word: string, candidate: string): boolean =>
  `${word.toLowerCase()}s` === candidate || word.toLowerCase() === `${candidate}s`

/** Returns true for a word that begins like the candidate without its last letter, as `retries` and `retry`. */
const isForm = (word: string, candidate: string): boolean =>
  isPlural(word, candidate) ||
  (candidate.length >= MIN_FORM_LENGTH && word.toLowerCase().startsWith(candidate.slice(0, -1)))

/**
 * Counts insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
 * @param replacement how many errors a replaced letter counts as
 */
export function distance(one: string, other: string, replacement = 1): number {
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1]
      const isSwap = row > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (isSame ? 0 : replacement),
          isSwap ? (beforeLast[column - 2] ?? Number.POSITIVE_INFINITY) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = current
  }
  return last[other.length] ?? 0
}
