import { type Filter, matcherOf } from "./filter.ts"
import type { Letter } from "./letters.ts"

/** Dead letters with the same reason and error. */
export interface Group {
  readonly reason: string
  readonly error: string
  readonly letters: readonly Letter[]
  /** Number of them in each queue. */
  readonly queues: ReadonlyMap<string, number>
  /** When the first and the last of them failed; null if none has a time. */
  readonly first: number | null
  readonly last: number | null
}

interface GrowingGroup extends Group {
  readonly letters: Letter[]
  readonly queues: Map<string, number>
  first: number | null
  last: number | null
}

/** The dead letters that match a filter, in groups. It grows as more of them are read. */
export class Grouping {
  /** Dead letters that were looked at. */
  taken = 0
  /** Dead letters that match. */
  count = 0
  /** Number of them in each queue. */
  readonly queues = new Map<string, number>()
  readonly #isMatch: (letter: Letter) => boolean
  readonly #groups = new Map<string, GrowingGroup>()

  constructor(filter: Filter) {
    this.#isMatch = matcherOf(filter)
  }

  /** Looks at the next dead letters of a list that only grows. @param most how many of them */
  take(letters: readonly Letter[], most: number): void {
    const end = Math.min(letters.length, this.taken + most)
    for (let index = this.taken; index < end; index++) {
      const letter = letters[index]
      if (letter !== undefined && this.#isMatch(letter)) this.#add(letter)
    }
    this.taken = end
  }

  /** Returns the largest groups, the largest first. */
  largest(most: number): readonly Group[] {
    const groups = [...this.#groups.values()]
    // An error with an id in its message makes a group each time: only those that can be shown are sorted.
    const sizes = Float64Array.from(groups, ({ letters }) => letters.length).sort()
    const smallest = sizes[Math.max(0, sizes.length - most)] ?? 0
    return groups
      .filter(({ letters }) => letters.length >= smallest)
      .toSorted((a, b) => b.letters.length - a.letters.length)
      .slice(0, most)
      .map((group) => ({ ...group }))
  }

  get groupCount(): number {
    return this.#groups.size
  }

  #add(letter: Letter): void {
    const key = `${letter.reason}\n${letter.error}`
    let group = this.#groups.get(key)
    if (group === undefined) {
      const { reason, error } = letter
      group = { reason, error, letters: [], queues: new Map(), first: null, last: null }
      this.#groups.set(key, group)
    }
    group.letters.push(letter)
    this.count++
    addOne(group.queues, letter.queue)
    addOne(this.queues, letter.queue)
    const at = letter.lastFailedAt
    if (at === null) return
    if (group.first === null || at < group.first) group.first = at
    if (group.last === null || at > group.last) group.last = at
  }
}

const addOne = (counts: Map<string, number>, name: string): void =>
  void counts.set(name, (counts.get(name) ?? 0) + 1)
