/** Names of the events that the service publishes about itself. Their type is `system`. */
export type ServiceEventName =
  | "broker.dead_letter.added"
  | "broker.queue.full"
  | "broker.queue.paused"
  | "broker.queue.resumed"
  | "broker.worker.replaced"
  | "broker.modules.reloaded"
  | "broker.modules.rejected"
  | "broker.engine.state"

/** Plain data for the payload. Never the payload, the stack or the key of somebody else. */
export type Details = Readonly<Record<string, unknown>>

export interface ServiceEventDraft {
  readonly type: "system"
  readonly name: ServiceEventName
  readonly payload: Details
}

/** Most ids that an event lists. */
const MAX_IDS = 10

/** Begins the names of all of these events. */
const NAME_PREFIX = "broker."

const LINK_PREFIX = `system/${NAME_PREFIX}`

/**
 * Returns true for an event of the service itself, and for one that handlers have published because of it: facts about them
 * are not told, or an alert could cause itself.
 * @param link `type/name` of the event
 * @param chain those of the events before it
 */
export const isServiceEvent = (link: string, chain: readonly string[] = []): boolean =>
  [link, ...chain].some((each) => each.startsWith(LINK_PREFIX))

/** Facts of one name and subject that are not published yet. */
export class FactCollection {
  readonly #name: ServiceEventName
  #details: Details = {}
  #count = 0
  #ids: string[] = []
  #firstAt = 0
  #lastAt = 0

  constructor(name: ServiceEventName) {
    this.#name = name
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** @param id id of the event that the fact is about; null if it is about none */
  add(details: Details, count: number, id: string | null): void {
    this.#lastAt = Date.now() / 1_000
    if (this.#count === 0) this.#firstAt = this.#lastAt
    this.#details = details
    this.#count += count
    if (id !== null && this.#ids.length < MAX_IDS) this.#ids.push(id)
  }

  /** Takes all facts as one event. `putBack` undoes that, after an event that was not stored. */
  take(): { readonly draft: ServiceEventDraft; readonly putBack: () => void } {
    const [details, count, ids, firstAt, lastAt] = [
      this.#details,
      this.#count,
      this.#ids,
      this.#firstAt,
      this.#lastAt,
    ]
    this.#count = 0
    this.#ids = []
    const payload = {
      ...details,
      count,
      ...(ids.length > 0 && { event_ids: ids }),
      first_at: firstAt,
      last_at: lastAt,
    }
    const putBack = (): void => {
      if (this.#count === 0) [this.#details, this.#lastAt] = [details, lastAt]
      this.#firstAt = firstAt
      this.#count += count
      this.#ids = [...ids, ...this.#ids].slice(0, MAX_IDS)
    }
    return { draft: { type: "system", name: this.#name, payload }, putBack }
  }
}
