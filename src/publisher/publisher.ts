import type { Engine } from "../engine/engine.ts"
import { PublishError } from "../engine/errors.ts"
import type { Event } from "../event/envelope.ts"
import { completeEvent, validateDraft } from "../event/validate.ts"

export interface PublisherOptions {
  readonly engine: Engine
  /** How many events may wait for their confirm at once; more are refused, so that memory stays bounded. */
  readonly maxInFlight: number
  /** Makes the id of an event that has none. Default: UUIDv7. */
  readonly newId?: () => string
  /** Milliseconds since the epoch. Default: the system's clock. */
  readonly now?: () => number
}

/** The one way into the engine, for what comes over HTTP and for what handlers publish. */
export class Publisher {
  readonly #engine: Engine
  readonly #maxInFlight: number
  readonly #newId: () => string
  readonly #now: () => number
  #inFlight = 0

  constructor(options: PublisherOptions) {
    this.#engine = options.engine
    this.#maxInFlight = options.maxInFlight
    this.#newId = options.newId ?? Bun.randomUUIDv7
    this.#now = options.now ?? Date.now
  }

  /**
   * Validates a draft, completes it to an event and stores it. Resolves with the event once the engine has
   * confirmed it.
   * @throws {EventInvalidError} where it is not an event.
   * @throws {PublishError} where it was not confirmed; its `outcome` tells whether it may be stored.
   */
  async publish(draft: unknown): Promise<Event> {
    const event = completeEvent(validateDraft(draft), this.#newId, this.#now())
    if (this.#inFlight >= this.#maxInFlight) {
      throw new PublishError(
        "too-many-in-flight",
        `${this.#maxInFlight} publishes wait for their confirm already`,
      )
    }
    this.#inFlight++
    try {
      await this.#engine.publish(event)
      return event
    } finally {
      this.#inFlight--
    }
  }
}
