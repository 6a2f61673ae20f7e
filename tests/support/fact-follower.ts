import { StoredEvents } from "../../src/engine/embedded/store/stored-events.ts"
import type { Engine } from "../../src/engine/engine.ts"
import type { FactLog } from "../../src/engine/fact-log.ts"
import {
  attemptsOf,
  type FactBatch,
  type HandledFact,
  type HistoryFact,
  type StoredFact,
} from "../../src/event/history-fact.ts"
import { waitUntil } from "./wait-until.ts"

/** Returns the list of facts of an engine that records them. */
export function factsOf({ facts }: Engine): FactLog {
  if (facts === null) throw new Error("the engine records no facts")
  return facts
}

/** A follower of an engine's list of facts that keeps each batch once, by its token. */
export class KeepingFollower implements Disposable {
  /** All batches in the order of their arrival, also those that came twice. */
  readonly arrived: FactBatch[] = []
  readonly #tokens = new Set<string>()
  readonly #facts: HistoryFact[] = []
  readonly #end: () => void
  readonly #eventsFile: string | undefined
  #position: string | null

  /** @param position where it goes on. Default: the oldest batch that there is */
  constructor(engine: Engine, position: string | null = null) {
    this.#position = position
    this.#eventsFile = factsOf(engine).eventsFile
    this.#end = factsOf(engine).follow({
      position: () => this.#position,
      take: async (batch) => this.#take(batch),
    })
  }

  get position(): string | null {
    return this.#position
  }

  get facts(): readonly HistoryFact[] {
    return this.#facts
  }

  /** The facts of a batch that has arrived. */
  factsIn({ text }: FactBatch): readonly HistoryFact[] {
    return text.split("\n").flatMap((line) => (line === "" ? [] : this.#read(line)))
  }

  /** The kinds of facts about an event, in their order. */
  kindsOf(id: string): readonly string[] {
    return this.#facts.filter((fact) => idsOf(fact).includes(id)).map(({ fact }) => fact)
  }

  /** Waits for a fact. */
  async found<Fact extends HistoryFact["fact"]>(
    kind: Fact,
    matches: (fact: Extract<HistoryFact, { readonly fact: Fact }>) => boolean = () => true,
  ): Promise<Extract<HistoryFact, { readonly fact: Fact }>> {
    const isWanted = (each: HistoryFact): each is Extract<HistoryFact, { readonly fact: Fact }> =>
      each.fact === kind
    const find = () => this.#facts.filter(isWanted).find(matches)
    await waitUntil(() => find() !== undefined, `a fact ${kind}`)
    const fact = find()
    if (fact === undefined) throw new Error("unreachable: the fact was just seen")
    return fact
  }

  [Symbol.dispose](): void {
    this.#end()
  }

  #take(batch: FactBatch): void {
    this.arrived.push(batch)
    this.#position = batch.position
    if (this.#tokens.has(batch.token)) return
    this.#tokens.add(batch.token)
    this.#facts.push(...this.factsIn(batch))
  }

  #read(line: string): readonly HistoryFact[] {
    const fact: HistoryFact | StoredFact | HandledFact = JSON.parse(line)
    if (fact.fact === "stored") return this.#published(fact)
    return fact.fact === "handled" ? attemptsOf(fact) : [fact]
  }

  #published({ at, queues, first, last }: StoredFact): readonly HistoryFact[] {
    if (this.#eventsFile === undefined) throw new Error("the engine has no file that a fact can refer to")
    using events = new StoredEvents(this.#eventsFile)
    return events.between(first, last).map(({ body, trace, causedBy }) => ({
      fact: "published",
      at,
      queues,
      event: JSON.parse(body),
      ...(trace !== null && { trace }),
      ...(causedBy !== null && { caused_by: causedBy }),
    }))
  }
}

/** The events that a fact tells of. */
export function idsOf(fact: HistoryFact): readonly string[] {
  if (fact.fact === "published") return [fact.event.id]
  return fact.fact === "purged" ? (fact.ids ?? []) : [fact.id]
}
