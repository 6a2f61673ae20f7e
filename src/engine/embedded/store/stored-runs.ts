import { engineLine } from "../../../event/history-fact.ts"
import type { QueueDeclaration } from "../../engine.ts"
import { EVENT_STEP } from "./checksum.ts"

/** Bounds of the events of one line, which the history reads at once. */
const MAX_RUN_EVENTS = 256
const MAX_RUN_LENGTH = 1_048_576

/** How far the time of a line may be from that of its events, in milliseconds. */
const MAX_RUN_MS = 10

/** A queue with nothing but its name. The same queue is always the same object. */
export type NamedQueue = { readonly declaration: Pick<QueueDeclaration, "name"> }

/** Events that were stored one after the other on the same queues. */
interface Run {
  readonly at: number
  readonly queues: readonly NamedQueue[]
  readonly first: number
  last: number
  /** Of the bodies, in bytes. */
  length: number
}

/** Publications of events that the store has: a line of facts for those that follow each other. */
export class StoredRuns {
  #runs: Run[] = []
  #length = 0

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  /** Length of the events, in bytes. */
  get length(): number {
    return this.#length
  }

  /** Number of the last event; 0 if there is none. */
  get lastEvent(): number {
    return this.#runs.at(-1)?.last ?? 0
  }

  /** Adds an event. Its number is higher than those of the others. @param length of its body, in bytes */
  add(event: number, length: number, queues: readonly NamedQueue[], at: number): void {
    this.#add(event, event, length, queues, at)
  }

  /** Adds what was published later. */
  append(later: StoredRuns): void {
    for (const { first, last, length, queues, at } of later.#runs) this.#add(first, last, length, queues, at)
  }

  /** Returns them as lines of facts. */
  lines(): readonly string[] {
    return this.#runs.map(({ at, queues, first, last }) => {
      const names = queues.map(({ declaration }) => declaration.name)
      return engineLine({ fact: "stored", at, queues: names, first, last })
    })
  }

  clear(): void {
    this.#runs = []
    this.#length = 0
  }

  #add(first: number, last: number, length: number, queues: readonly NamedQueue[], at: number): void {
    this.#length += length
    const run = this.#runs.at(-1)
    const isNext =
      run !== undefined &&
      run.last + EVENT_STEP === first &&
      last - run.first < EVENT_STEP * MAX_RUN_EVENTS &&
      run.length + length <= MAX_RUN_LENGTH &&
      Math.abs(at - run.at) <= MAX_RUN_MS &&
      areSame(run.queues, queues)
    if (isNext) {
      run.last = last
      run.length += length
    } else this.#runs.push({ at, queues, first, last, length })
  }
}

const areSame = (some: readonly NamedQueue[], others: readonly NamedQueue[]): boolean =>
  some === others || (some.length === others.length && some.every((queue, index) => queue === others[index]))
