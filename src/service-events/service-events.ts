import { type Backoff, RetryDelays } from "../event/backoff.ts"
import { reasonOf } from "../system/reason-of.ts"
import type { Logger } from "../telemetry/logger.ts"
import { type Details, FactCollection, type ServiceEventName } from "./fact-collection.ts"

/** Time between two events of the same name and subject, in milliseconds: what happens in between is summed up. */
const INTERVAL_MS = 1_000

/** Wait before an event that could not be stored is published again. */
const RETRY_BACKOFF: Backoff = { initialMs: 1_000, factor: 2, maxMs: 60_000 }

/** Most subjects at a time: queues with a reason, mostly. */
const MAX_COLLECTIONS = 1_000

/** How long a stop waits for the last events to be stored, in milliseconds. */
const STOP_GRACE_MS = 500

const UNSTORED = "the service stops, and an event about it could not be stored"

export interface ServiceEventsOptions {
  /** Returns whether a handler module takes events of this name. The others are not published. */
  readonly isTaken: (name: ServiceEventName) => boolean
  readonly publish: (draft: unknown) => Promise<unknown>
  readonly logger: Logger
}

/**
 * Publishes what happens to the service itself as events of type `system`, so that an alert is an ordinary handler. Nothing
 * waits for them, and nothing fails with them.
 */
export class ServiceEvents {
  readonly #options: ServiceEventsOptions
  readonly #collections = new Map<string, FactCollection>()
  readonly #delays = new RetryDelays(RETRY_BACKOFF)
  readonly #timers = new Set<Timer>()
  #isStopped = false

  constructor(options: ServiceEventsOptions) {
    this.#options = options
  }

  /**
   * Tells a fact. The first one is published at once; those that follow within a second are summed up.
   * @param subject facts of one name with the same subject are summed up
   * @param details what is published of the latest fact
   */
  tell(
    name: ServiceEventName,
    subject: string,
    details: Details,
    { count = 1, id = null as string | null } = {},
  ): void {
    if (this.#isStopped || !this.#options.isTaken(name)) return
    const key = `${name} ${subject}`
    const known = this.#collections.get(key)
    if (known !== undefined) {
      known.add(details, count, id)
      return
    }
    if (this.#collections.size >= MAX_COLLECTIONS) return
    const collection = new FactCollection(name)
    collection.add(details, count, id)
    this.#collections.set(key, collection)
    void this.#publish(key, collection)
  }

  /** Publishes what has been collected, for half a second at most; the log has what is left. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    const left = [...this.#collections.values()].filter(({ isEmpty }) => !isEmpty)
    const unstored = new Set(left.map((each) => each.take().draft))
    const publishing = [...unstored].map(async (draft) => {
      await this.#options.publish(draft)
      unstored.delete(draft)
    })
    await Promise.race([Promise.allSettled(publishing), Bun.sleep(STOP_GRACE_MS)])
    for (const { name, payload } of unstored) this.#options.logger.warn({ event: name, payload }, UNSTORED)
  }

  /** Publishes a collection, and again what is collected meanwhile. Never rejects. */
  async #publish(key: string, collection: FactCollection): Promise<void> {
    const { draft, putBack } = collection.take()
    let waitMs = INTERVAL_MS
    try {
      await this.#options.publish(draft)
      this.#delays.reset()
    } catch (error) {
      putBack()
      waitMs = this.#delays.next()
      const about = { name: draft.name, reason: reasonOf(error), retry_in_ms: waitMs }
      this.#options.logger.warn(
        about,
        "an event of the service itself could not be published; it will be tried again",
      )
    }
    if (this.#isStopped) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (collection.isEmpty) this.#collections.delete(key)
      else void this.#publish(key, collection)
    }, waitMs)
    this.#timers.add(timer)
  }
}
