/** A set of code points: ranges in order that neither overlap nor touch. Both ends are included. */
export type CodePoints = readonly (readonly [first: number, last: number])[]

const LAST_CODE_POINT = 0x10ffff

export const DIGITS: CodePoints = [[0x30, 0x39]]

/** Source: ECMA-262, WordCharacters, without the flag `i`. */
export const WORD_CHARACTERS: CodePoints = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]

const LINE_TERMINATORS: CodePoints = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]

/** Source: ECMA-262, WhiteSpace and LineTerminator. */
export const SPACES: CodePoints = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]

export function union(sets: readonly CodePoints[]): CodePoints {
  const ranges = sets.flat().toSorted(([a], [b]) => a - b)
  const merged: [number, number][] = []
  for (const [first, last] of ranges) {
    const before = merged.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return merged
}

export function complement(set: CodePoints): CodePoints {
  const ranges: [number, number][] = []
  let next = 0
  for (const [first, last] of set) {
    if (first > next) ranges.push([next, first - 1])
    next = last + 1
  }
  if (next <= LAST_CODE_POINT) ranges.push([next, LAST_CODE_POINT])
  return ranges
}

/** The code points that `.` matches without the flag `s`. */
export const ALL_BUT_LINE_ENDS: CodePoints = complement(LINE_TERMINATORS)

/** Adds the other case of each ASCII letter to a set. */
export function ignoringCase(set: CodePoints): CodePoints {
  const shifted = (first: number, last: number, by: number): CodePoints =>
    set.flatMap(([from, to]) => {
      const [low, high] = [Math.max(from, first), Math.min(to, last)]
      return low <= high ? [[low + by, high + by] as const] : []
    })
  return union([set, shifted(0x41, 0x5a, 0x20), shifted(0x61, 0x7a, -0x20)])
}

const properties = new Map<string, CodePoints>()

/**
 * Returns the code points of a property escape such as `\p{L}`, as this runtime's own RegExp has them: it depends on
 * the version of Unicode what counts as a letter.
 */
export function codePointsOfProperty(property: string): CodePoints {
  const known = properties.get(property)
  if (known !== undefined) return known
  const runs = new RegExp(`${property}+`, "gu")
  const ranges: [number, number][] = []
  for (const [first, last] of SEARCHED) {
    for (const { index, 0: run } of textOf(first, last).matchAll(runs)) {
      const begin = first + (first > LAST_UNIT ? index / 2 : index)
      ranges.push([begin, begin + (first > LAST_UNIT ? run.length / 2 : run.length) - 1])
    }
  }
  const set = union([ranges])
  properties.set(property, set)
  return set
}

/** A code point beyond this one takes two units of a string. */
const LAST_UNIT = 0xffff

/** In a text of all code points, no high surrogate may stand before a low one: together they are one code point. */
const SEARCHED: CodePoints = [
  [0, 0xd7ff],
  [0xd800, 0xdbff],
  [0xdc00, LAST_UNIT],
  [LAST_UNIT + 1, LAST_CODE_POINT],
]

const textOf = (first: number, last: number): string =>
  Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index)).join("")
