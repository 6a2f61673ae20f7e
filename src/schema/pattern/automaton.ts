import { Alphabet } from "./alphabet.ts"
import { WORD_CHARACTERS } from "./code-points.ts"
import type { AssertionKind, Network } from "./network.ts"
import { PatternError } from "./pattern-error.ts"

/** Most entries of the table, 4 bytes each. */
const MAX_TRANSITIONS = 500_000

/** Most steps of the construction, which takes about 200 milliseconds then. */
const MAX_STEPS = 2_000_000

const TOO_MANY = "matching it in linear time takes too many states: shorten its repetitions, or use maxLength"

/** The state from which the text matches whatever follows, and the one from which it can't match. */
export const MATCHED = 0
export const FAILED = 1

/** The neighbour of a place in the text. */
type Neighbour = "edge" | "word" | "other"

/** A state: the nodes of the network that are reached, and the last neighbour if one of them asks for it. */
interface State {
  readonly nodes: readonly number[]
  readonly before: Neighbour
}

/** An automaton that reads a text once, with one table lookup per code point. */
export interface Automaton {
  readonly alphabet: Alphabet
  /** Row by state, column by letter. */
  readonly transitions: Int32Array
  readonly initial: number
  /** By state: true if a text that ends there matches. */
  readonly matchesAtEnd: readonly boolean[]
}

/**
 * Makes the automaton of a network. It follows at once all ways that a backtracking matcher tries one after the other;
 * each set of places that they can reach is a state.
 * @throws {PatternError} if the automaton is too large
 */
export function automatonOf(network: Network): Automaton {
  return new Construction(network).run()
}

class Construction {
  readonly #network: Network
  readonly #alphabet: Alphabet
  /** By node: the letters that it takes. */
  readonly #lettersOf: readonly (readonly number[])[]
  /** By letter, if the network asks for word boundaries. */
  readonly #kinds: readonly Neighbour[]
  readonly #states: State[] = []
  readonly #numbers = new Map<string, number>()
  #steps = 0

  constructor(network: Network) {
    this.#network = network
    const sets = network.nodes.flatMap((node) => (node.kind === "take" ? [node.set] : []))
    const asksForWords = network.nodes.some(
      (node) => node.kind === "assert" && (node.assertion === "boundary" || node.assertion === "no-boundary"),
    )
    const distinct = [...new Map(sets.map((set) => [JSON.stringify(set), set])).values()]
    this.#alphabet = new Alphabet(asksForWords ? [...distinct, WORD_CHARACTERS] : distinct)
    const words = new Set(asksForWords ? this.#alphabet.lettersOf(WORD_CHARACTERS) : [])
    this.#kinds = Array.from({ length: this.#alphabet.size }, (_, letter) =>
      words.has(letter) ? "word" : "other",
    )
    const letters = new Map(distinct.map((set) => [JSON.stringify(set), this.#alphabet.lettersOf(set)]))
    this.#lettersOf = network.nodes.map((node) =>
      node.kind === "take" ? (letters.get(JSON.stringify(node.set)) ?? []) : [],
    )
  }

  run(): Automaton {
    const rows: number[][] = [[], []]
    const matchesAtEnd: boolean[] = [true, false]
    this.#states.push({ nodes: [], before: "edge" }, { nodes: [], before: "edge" })
    const initial = this.#numberOf([this.#network.start], "edge")
    for (let number = 2; number < this.#states.length; number++) {
      const state = this.#states[number] ?? { nodes: [], before: "edge" }
      matchesAtEnd[number] = this.#advance(state, "edge") === "matched"
      rows[number] = this.#rowOf(state)
    }
    const { size } = this.#alphabet
    const transitions = new Int32Array(rows.length * size)
    for (const [number, row] of rows.entries()) transitions.set(row, number * size)
    return { alphabet: this.#alphabet, transitions, initial, matchesAtEnd }
  }

  #rowOf(state: State): number[] {
    const row: number[] = Array(this.#alphabet.size).fill(FAILED)
    for (const after of ["word", "other"] as const) {
      const letters = this.#kinds.flatMap((kind, letter) => (kind === after ? [letter] : []))
      if (letters.length === 0) continue
      const taking = this.#advance(state, after)
      // The match may also begin behind any code point.
      const targets = new Map<number, number[]>(letters.map((letter) => [letter, [this.#network.start]]))
      for (const index of taking === "matched" ? [] : taking) {
        const node = this.#network.nodes[index]
        if (node?.kind !== "take") continue
        for (const letter of this.#lettersOf[index] ?? []) {
          this.#step()
          targets.get(letter)?.push(node.next)
        }
      }
      for (const [letter, nodes] of targets) {
        row[letter] = taking === "matched" ? MATCHED : this.#numberOf(nodes, after)
      }
    }
    return row
  }

  /** Returns the nodes of a state that take the next code point, after its assertions; or that it matches already. */
  #advance({ nodes, before }: State, after: Neighbour): readonly number[] | "matched" {
    const reached = this.#follow(nodes, (assertion) => holds(assertion, before, after))
    return reached.some((index) => this.#network.nodes[index]?.kind === "match") ? "matched" : reached
  }

  /** Returns the state of these nodes and of those that follow without taking a code point. */
  #numberOf(nodes: readonly number[], before: Neighbour): number {
    const reached = this.#follow(nodes, () => false)
      .filter((index) => before === "edge" || !this.#isAtStart(index))
      .toSorted((a, b) => a - b)
    if (reached.length === 0) return FAILED
    if (reached.some((index) => this.#network.nodes[index]?.kind === "match")) return MATCHED
    const asks = reached.some((index) => this.#network.nodes[index]?.kind === "assert")
    const state: State = { nodes: reached, before: asks ? before : "other" }
    const key = `${state.before} ${reached.join(" ")}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    if (this.#states.length * this.#alphabet.size >= MAX_TRANSITIONS) throw new PatternError(TOO_MANY)
    const number = this.#states.push(state) - 1
    this.#numbers.set(key, number)
    return number
  }

  #isAtStart(index: number): boolean {
    const node = this.#network.nodes[index]
    return node?.kind === "assert" && node.assertion === "start"
  }

  /** Returns all nodes that can be reached without taking a code point, except the splits on the way. */
  #follow(from: readonly number[], isHeld: (assertion: AssertionKind) => boolean): readonly number[] {
    const seen = new Set(from)
    const reached: number[] = []
    for (const index of seen) {
      this.#step()
      const node = this.#network.nodes[index]
      if (node === undefined) continue
      if (node.kind === "split") for (const next of node.next) seen.add(next)
      else if (node.kind === "assert" && isHeld(node.assertion)) seen.add(node.next)
      else reached.push(index)
    }
    return reached
  }

  #step(): void {
    if (++this.#steps > MAX_STEPS) throw new PatternError(TOO_MANY)
  }
}

function holds(assertion: AssertionKind, before: Neighbour, after: Neighbour): boolean {
  switch (assertion) {
    case "start":
      return before === "edge"
    case "end":
      return after === "edge"
    case "boundary":
      return (before === "word") !== (after === "word")
    case "no-boundary":
      return (before === "word") === (after === "word")
  }
}
