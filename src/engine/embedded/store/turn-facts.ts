import { engineLine, factLine, type HistoryFact } from "../../../event/history-fact.ts"
import { HandledRuns } from "../../handled-runs.ts"
import { type NamedQueue, StoredRuns } from "./stored-runs.ts"

/** The facts of one turn, as lines of text. */
export class TurnFacts {
  readonly #lines: string[] = []
  readonly #handled = new HandledRuns()
  /** The publications since the last other fact. */
  readonly #stored = new StoredRuns()
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
    return this.#hasOnlyStored && this.#stored.isEmpty
  }

  /** The publications, if there are no other facts; otherwise null. */
  get onlyStored(): StoredRuns | null {
    return this.#hasOnlyStored && !this.#stored.isEmpty ? this.#stored : null
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
    this.#stored.add(event, length, queues, at)
  }

  lines(): readonly string[] {
    this.#end()
    return this.#lines
  }

  get #hasOnlyStored(): boolean {
    return this.#lines.length === 0 && this.#handled.isEmpty
  }

  #end(): void {
    for (const fact of this.#handled.take()) this.#lines.push(engineLine(fact))
    this.#lines.push(...this.#stored.lines())
    this.#stored.clear()
  }
}
