import type { CodePoints } from "./code-points.ts"

/** The letters of code points below this one are in a table. */
export const ASCII_END = 128

/**
 * Groups code points into the letters of a pattern: code points that all of its sets treat alike are one letter.
 * Letters are numbers from 0.
 */
export class Alphabet {
  /** Number of letters. */
  readonly size: number
  /** The letters of the code points below `ASCII_END`: a quicker `letterOf`. */
  readonly ascii = new Uint16Array(ASCII_END)
  /** Start and letter of each interval of code points. */
  readonly #starts: readonly number[]
  readonly #letters: readonly number[]

  constructor(sets: readonly CodePoints[]) {
    const starts = new Set([0])
    for (const [first, last] of sets.flat()) starts.add(first).add(last + 1)
    this.#starts = [...starts].toSorted((a, b) => a - b)
    // Each set splits the letters that it has only a part of.
    let letters: readonly number[] = this.#starts.map(() => 0)
    for (const set of sets) {
      const inside = new Set(this.#indexesOf(set))
      const renamed = new Map<string, number>()
      letters = letters.map((letter, index) => {
        const name = `${letter} ${inside.has(index)}`
        const known = renamed.get(name) ?? renamed.size
        renamed.set(name, known)
        return known
      })
    }
    this.#letters = letters
    this.size = Math.max(...letters) + 1
    for (let codePoint = 0; codePoint < ASCII_END; codePoint++) {
      this.ascii[codePoint] = this.letterOf(codePoint)
    }
  }

  letterOf(codePoint: number): number {
    return this.#letters[this.#indexOf(codePoint)] ?? 0
  }

  /** Returns the letters of one of the sets that the alphabet was made from. */
  lettersOf(set: CodePoints): readonly number[] {
    return [...new Set(this.#indexesOf(set).map((index) => this.#letters[index] ?? 0))]
  }

  #indexesOf(set: CodePoints): readonly number[] {
    const indexes: number[] = []
    for (const [first, last] of set) {
      for (let index = this.#indexOf(first); (this.#starts[index] ?? Infinity) <= last; index++)
        indexes.push(index)
    }
    return indexes
  }

  /** Finds the interval of a code point. */
  #indexOf(codePoint: number): number {
    let [low, high] = [0, this.#starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#starts[middle] ?? Infinity) <= codePoint) low = middle
      else high = middle - 1
    }
    return low
  }
}
