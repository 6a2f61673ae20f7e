import type { FactLog } from "../engine/fact-log.ts"
import type { FactBatch } from "../event/history-fact.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import { History } from "./history.ts"
import type { LinkOptions } from "./history-link.ts"
import type {
  EventFilter,
  EventHistory,
  EventSummary,
  ListRequest,
  Page,
  SelectedEvent,
  UnfinishedQueue,
} from "./history-query.ts"
import { Outcomes } from "./outcomes.ts"

/** How far a history is. */
export interface HistoryState {
  /** Why it does not work now; null if it does. */
  readonly failure: string | null
  /** False while facts of the past are still read. */
  readonly isCaughtUp: boolean
  /** The time up to which it knows what happened, in milliseconds since the epoch; null before the first fact. */
  readonly reachedAt: number | null
  /** Why it lacks something, although it works; null if it does not. */
  readonly gap: string | null
  /** Facts that were lost since the start. */
  readonly dropped: number
}

/** Longest wait of a question for facts that are on their way, in milliseconds: under overload there are always more. */
const CATCH_UP_MS = 2_000

/**
 * The history of an engine: follows its list of facts, and answers with what was in it when the question came, except
 * under overload, when it is some seconds behind.
 */
export class RecordedHistory {
  readonly outcomes = new Outcomes()
  readonly #facts: FactLog
  readonly #history: History
  /** Ends following; null until the file is open. */
  #unfollow: (() => void) | null = null
  #room: PromiseWithResolvers<void> | null = null

  constructor(facts: FactLog, options: LinkOptions) {
    this.#facts = facts
    this.#history = new History({
      ...options,
      eventsFile: facts.eventsFile,
      lacksPast: facts.lacksPast,
      onBegun: (position) => this.#follow(position),
      onApplied: (position) => facts.release(position),
      onRoom: () => this.#makeRoom(),
    })
  }

  /** Never waits. */
  get state(): HistoryState {
    const { failure, dropped, ...progress } = this.#facts.progress()
    const { gap, skipped } = this.#history
    return { ...progress, failure: this.#history.failure ?? failure, gap, dropped: dropped + skipped }
  }

  /** Why answers may lack something; null if they are complete. */
  get incomplete(): string | null {
    const { failure, isCaughtUp, gap } = this.state
    return failure ?? (isCaughtUp ? gap : "the history is being read from its beginning")
  }

  /** Returns null if the event is unknown, or its routing key is not in the space. @throws {HistoryUnavailableError} */
  async lookup(id: string, within: RoutingSpace | null): Promise<EventHistory | null> {
    await this.#catchUp()
    return this.#history.lookup(id, within ?? undefined)
  }

  /** @throws {HistoryUnavailableError | HistoryCursorError} */
  async list(request: ListRequest): Promise<Page<EventSummary>> {
    await this.#catchUp()
    return this.#history.list(request)
  }

  /** @throws {HistoryUnavailableError | HistoryCursorError} */
  async select(filter: EventFilter, limit: number, cursor?: string): Promise<Page<SelectedEvent>> {
    // The first page decides what is selected.
    if (cursor === undefined) await this.#catchUp()
    return this.#history.select(filter, limit, cursor)
  }

  /** Returns the queues that have unfinished deliveries, as far as facts have arrived. @throws {HistoryUnavailableError} */
  unfinished(): Promise<readonly UnfinishedQueue[]> {
    return this.#history.unfinished()
  }

  /** Ends following, and stores what has arrived. */
  async close(): Promise<void> {
    this.#unfollow?.()
    this.#makeRoom()
    await this.#history.close()
  }

  #follow(position: string | null): void {
    this.#unfollow?.()
    this.#unfollow = this.#facts.follow({ position: () => position, take: (batch) => this.#take(batch) })
  }

  async #take(batch: FactBatch): Promise<void> {
    this.outcomes.show(batch)
    if (this.#history.add(batch)) return
    this.#room ??= Promise.withResolvers()
    await this.#room.promise
  }

  #makeRoom(): void {
    this.#room?.resolve()
    this.#room = null
  }

  async #catchUp(): Promise<void> {
    // Until the file is open, nothing follows. The answer comes once it is, or says why it can't be.
    if (this.#unfollow === null) await this.#history.unfinished()
    const all = this.#facts.delivered().then(() => this.#history.flush())
    await Promise.race([all, Bun.sleep(CATCH_UP_MS)])
  }
}
