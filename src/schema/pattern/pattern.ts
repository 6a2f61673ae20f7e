import { ASCII_END } from "./alphabet.ts"
import { type Automaton, automatonOf, FAILED, MATCHED } from "./automaton.ts"
import { networkOf, type PatternOptions } from "./network.ts"

/** A code point beyond this one takes two units of a string. */
const LAST_UNIT = 0xffff

/**
 * A regular expression of ECMA-262 with the flag `u`, matched in one pass over the text. Expressions that can't be
 * matched this way (look-around, back-references) are rejected when the pattern is made.
 */
export class Pattern {
  readonly #source: string
  readonly #automaton: Automaton

  /** @throws {PatternError} */
  constructor(source: string, options?: PatternOptions) {
    this.#source = source
    this.#automaton = automatonOf(networkOf(source, options))
  }

  /** Returns true if some part of the text matches. */
  test(text: string): boolean {
    const { alphabet, transitions, initial, matchesAtEnd } = this.#automaton
    const { size, ascii } = alphabet
    const { length } = text
    let state = initial
    for (let index = 0; index < length && state > FAILED; index++) {
      const unit = text.charCodeAt(index)
      let letter: number | undefined
      if (unit < ASCII_END) letter = ascii[unit]
      else {
        const codePoint = text.codePointAt(index) ?? unit
        if (codePoint > LAST_UNIT) index++
        letter = alphabet.letterOf(codePoint)
      }
      state = transitions[state * size + (letter ?? 0)] ?? FAILED
    }
    return state === MATCHED || (matchesAtEnd[state] ?? false)
  }

  /** The expression as JavaScript writes it. */
  toString(): string {
    return `/${this.#source}/u`
  }
}
