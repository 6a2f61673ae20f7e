import { engineLine, factLine, type HistoryFact, joinLines } from "../../../event/history-fact.ts"
import type { QueueDeclaration } from "../../engine.ts"
import { HandledRuns } from "../../handled-runs.ts"
import { EVENT_STEP } from "./checksum.ts"

/** Bounds of the events of one line, which the history reads at once. */
const MAX_RUN_EVENTS = 256
const MAX_RUN_LENGTH = 1_048_576

type NamedQueue = { readonly declaration: Pick<QueueDeclaration, "name"> }

/** Events that were stored one after the other on the same queues. */
interface Run {
  readonly at: number
  readonly queues: readonly NamedQueue[]
  readonly first: number
  last: number
  /** Of the bodies, in bytes. */
  length: number
}

/** The facts of one turn, as lines of text. */
export class TurnFacts {
  readonly #lines: string[] = []
  readonly #handled = new HandledRuns()
  #run: Run | null = null
  #eventsLength = 0
  #lastEvent = 0

  /** Length of the events that the lines refer to, in bytes. */
  get eventsLength(): number {
    return this.#eventsLength
  }

  /** Number of the last event that the lines refer to; 0 if they refer to none. */
  get lastEvent(): number {
    return this.#lastEvent
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#run === null && this.#handled.isEmpty
  }

  add(fact: HistoryFact): void {
    // Runs of one turn are those of different deliveries, so their order among each other tells nothing.
    if (fact.fact !== "attempt") this.#end()
    else if (this.#handled.add(fact)) return
    this.#lines.push(factLine(fact))
  }

  /** Adds the publication of an event, which the store has under this number. @param length of its body, in bytes */
  addStored(event: number, length: number, queues: readonly NamedQueue[], at: number): void {
    this.#eventsLength += length
    this.#lastEvent = event
    if (this.#run !== null && continues(this.#run, event, queues)) {
      this.#run.last = event
      this.#run.length += length
      return
    }
    this.#end()
    this.#run = { at, queues, first: event, last: event, length }
  }

  text(): string {
    this.#end()
    return joinLines(this.#lines)
  }

  #end(): void {
    for (const fact of this.#handled.take()) this.#lines.push(engineLine(fact))
    if (this.#run === null) return
    const { at, queues, first, last } = this.#run
    const names = queues.map(({ declaration }) => declaration.name)
    this.#lines.push(engineLine({ fact: "stored", at, queues: names, first, last }))
    this.#run = null
  }
}

const continues = (run: Run, event: number, queues: readonly NamedQueue[]): boolean =>
  run.last + EVENT_STEP === event &&
  run.last - run.first < EVENT_STEP * (MAX_RUN_EVENTS - 1) &&
  run.length < MAX_RUN_LENGTH &&
  areSame(run.queues, queues)

const areSame = (some: readonly NamedQueue[], others: readonly NamedQueue[]): boolean =>
  some === others || (some.length === others.length && some.every((queue, index) => queue === others[index]))
