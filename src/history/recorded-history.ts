import type { FactLog } from "../engine/fact-log.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import type { History } from "./history.ts"
import type {
  EventFilter,
  EventHistory,
  EventSummary,
  ListRequest,
  Page,
  Receipt,
  SelectedEvent,
  UnfinishedQueue,
} from "./history-query.ts"
import { Outcomes } from "./outcomes.ts"

/**
 * The history of an engine: follows its list of facts, and answers with everything that was in it when the question came.
 */
export class RecordedHistory {
  readonly outcomes = new Outcomes()
  readonly #facts: FactLog
  readonly #history: History
  readonly #unfollow: () => void

  constructor(facts: FactLog, history: History) {
    this.#facts = facts
    this.#history = history
    history.onApplied = (position) => facts.release(position)
    this.#unfollow = facts.follow({
      position: () => history.position,
      take: (batch) => {
        this.outcomes.show(batch)
        return history.add(batch)
      },
    })
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

  /** Returns the newest publication with this id since a time. @throws {HistoryUnavailableError} */
  async publishedSince(id: string, since: number): Promise<Receipt | null> {
    await this.#catchUp()
    return this.#history.publishedSince(id, since)
  }

  /** Returns the queues that have unfinished deliveries, as far as facts have arrived. @throws {HistoryUnavailableError} */
  unfinished(): Promise<readonly UnfinishedQueue[]> {
    return this.#history.unfinished()
  }

  /** Ends following, and stores what has arrived. */
  async close(): Promise<void> {
    this.#unfollow()
    await this.#history.close()
  }

  async #catchUp(): Promise<void> {
    await this.#facts.delivered()
    await this.#history.flush()
  }
}
