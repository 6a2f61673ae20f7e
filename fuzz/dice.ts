/** Chance that can be repeated: the same seed gives the same throws. Source of the generator: mulberry32. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 to below 1. */
  number(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to below the end. */
  below(end: number): number {
    return Math.floor(this.number() * end)
  }

  oneOf<Value>(values: readonly Value[]): Value {
    const value = values[this.below(values.length)]
    if (value === undefined && values.length === 0) throw new Error("there is nothing to choose from")
    return value as Value
  }

  chance(probability: number): boolean {
    return this.number() < probability
  }

  /** Text of characters that are rare: controls, quotes, halves of pairs, what looks like a path or a format. */
  text(maxLength: number): string {
    return Array.from({ length: this.below(maxLength + 1) }, () => this.oneOf(CHARACTERS)).join("")
  }
}

const CHARACTERS = [
  ..."aZ09 _-.*#/\\\"'`<>&%{}[]:,;=+?!$",
  "\u0000",
  "\u0007",
  "\n",
  "\r",
  "\u007f",
  "\u00e9",
  "\u202e",
  "\ufeff",
  "\ud83d\ude00",
  "\ud800",
  "\udfff",
]
