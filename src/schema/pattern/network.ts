import { type AST, RegExpParser } from "@eslint-community/regexpp"
import { characterSetOf } from "./character-set.ts"
import type { CodePoints } from "./code-points.ts"
import { PatternError } from "./pattern-error.ts"

/** Longest expression, in characters. The parser and the network's construction recurse with its groups. */
const MAX_LENGTH = 10_000

/** Most steps of an expression with its repetitions written out: `a{3}` has three; `(a{1000}){1000}` is rejected. */
const MAX_NODES = 10_000

export type AssertionKind = "start" | "end" | "boundary" | "no-boundary"

/** A node of a network. `next` has the index of the node, or of the nodes, that follow. */
export type NetworkNode =
  | { readonly kind: "match" }
  /** Takes one code point of the set. */
  | { readonly kind: "take"; readonly set: CodePoints; readonly next: number }
  /** Continues if the place in the text is the one that it asks for. */
  | { readonly kind: "assert"; readonly assertion: AssertionKind; readonly next: number }
  | { readonly kind: "split"; readonly next: number[] }

/** A regular expression as a network of steps. It matches if a path from `start` leads to a `match`. */
export interface Network {
  readonly nodes: readonly NetworkNode[]
  readonly start: number
}

export interface PatternOptions {
  /** Reads capital and small ASCII letters as one, and surrogates as separate code points. Default: false. */
  readonly ignoreCase?: boolean
}

/**
 * Reads a regular expression of ECMA-262, with its flag `u`.
 * @throws {PatternError} if it is invalid, uses look-around or back-references, or is too long
 */
export function networkOf(source: string, { ignoreCase = false }: PatternOptions = {}): Network {
  if (source.length > MAX_LENGTH) throw new PatternError(`it has more than ${MAX_LENGTH} characters`)
  const builder = new NetworkBuilder(ignoreCase)
  return builder.build(parse(source, !ignoreCase))
}

function parse(source: string, unicode: boolean): AST.Pattern {
  try {
    const parser = new RegExpParser({ ecmaVersion: 2025 })
    return parser.parsePattern(source, 0, source.length, { unicode, unicodeSets: false })
  } catch (cause) {
    if (cause instanceof RangeError) throw new PatternError("its groups are nested too deeply", { cause })
    const reason = cause instanceof Error ? cause.message.replace(/^.*\/: /s, "") : String(cause)
    throw new PatternError(reason, { cause })
  }
}

/** Builds a network from the end to the start: each step is made with the index of the following one. */
class NetworkBuilder {
  readonly #ignoreCase: boolean
  readonly #nodes: NetworkNode[] = [{ kind: "match" }]
  /** Also counts steps that add no node, such as `(?:){1000}`. */
  #steps = 0

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  build(pattern: AST.Pattern): Network {
    const start = this.#alternatives(pattern.alternatives, 0)
    return { nodes: this.#nodes, start }
  }

  #alternatives(alternatives: readonly AST.Alternative[], next: number): number {
    const starts = alternatives.map(({ elements }) =>
      elements.reduceRight((follower, element) => this.#element(element, follower), next),
    )
    const [only] = starts
    return starts.length === 1 && only !== undefined ? only : this.#add({ kind: "split", next: starts })
  }

  #element(element: AST.Element, next: number): number {
    if (++this.#steps > MAX_NODES) {
      throw new PatternError(
        `it has more than ${MAX_NODES} steps with its repetitions written out: use maxLength`,
      )
    }
    switch (element.type) {
      case "Character":
      case "CharacterSet":
      case "CharacterClass":
        return this.#add({ kind: "take", set: characterSetOf(element, this.#ignoreCase), next })
      case "Group":
        if (element.modifiers !== null) throw new PatternError("modifiers such as (?i:) are not supported")
        return this.#alternatives(element.alternatives, next)
      case "CapturingGroup":
        return this.#alternatives(element.alternatives, next)
      case "Quantifier":
        return this.#repeat(element, next)
      case "Assertion":
        return this.#assertion(element, next)
      case "Backreference":
        throw new PatternError(`it refers back with ${element.raw}, which can't be matched in linear time`)
      case "ExpressionCharacterClass":
        throw new PatternError("character classes of the flag v are not supported")
    }
  }

  #repeat({ element, min, max }: AST.Quantifier, next: number): number {
    let follower = next
    if (max === Infinity) {
      const again: number[] = []
      follower = this.#add({ kind: "split", next: again })
      again.push(this.#element(element, follower), next)
    } else {
      for (let count = min; count < max; count++) {
        follower = this.#add({ kind: "split", next: [this.#element(element, follower), next] })
      }
    }
    for (let count = 0; count < min; count++) follower = this.#element(element, follower)
    return follower
  }

  #assertion(assertion: AST.Assertion, next: number): number {
    switch (assertion.kind) {
      case "start":
      case "end":
        return this.#add({ kind: "assert", assertion: assertion.kind, next })
      case "word":
        return this.#add({ kind: "assert", assertion: assertion.negate ? "no-boundary" : "boundary", next })
      case "lookahead":
      case "lookbehind":
        throw new PatternError(
          `it uses the look-around ${assertion.raw}, which can't be matched in linear time`,
        )
    }
  }

  #add(node: NetworkNode): number {
    return this.#nodes.push(node) - 1
  }
}
