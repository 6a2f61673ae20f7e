import type { QueueDeclaration } from "../../engine.ts"
import { PublishError } from "../../errors.ts"

/**
 * How long one reading of the queues' depths is reused, in milliseconds, because many refusals come at once.
 */
const LOOK_LASTS_MS = 250

/** Timeout of a reading, in milliseconds; a queue without a leader does not answer. */
const LOOK_TIMEOUT_MS = 2_000

/** How long refusals without a full queue may continue before the channel is replaced, in milliseconds. */
const UNEXPLAINED_FOR_MS = 1_000

export interface FullQueueRefusalsOptions {
  /** Returns how many events wait in each queue. */
  readonly depths: () => Promise<ReadonlyMap<string, number>>
  /** Replaces the publishing channel. */
  readonly reset: () => void
}

/**
 * Finds the reason of a nack. A full queue nacks, but so does a channel that still sends to the lost leader
 * of a quorum queue, as RabbitMQ 3.10 does as long as that channel lives.
 */
export class FullQueueRefusals {
  readonly #options: FullQueueRefusalsOptions
  #unexplainedSince: number | null = null
  #look: Promise<ReadonlyMap<string, number>> | null = null

  constructor(options: FullQueueRefusalsOptions) {
    this.#options = options
  }

  /** An event was confirmed, so the channel works. */
  confirmed(): void {
    this.#unexplainedSince = null
  }

  /** Returns the error for the publisher of a refused event, given the queues that it is routed to. */
  async explain(queues: readonly QueueDeclaration[], cause: PublishError): Promise<PublishError> {
    const depths = await this.#depths()
    const full = queues.find(
      ({ name, maxLength, overflow }) =>
        overflow === "reject-publish" && (depths?.get(name) ?? 0) >= maxLength,
    )
    if (full !== undefined) {
      // If the event is routed to several queues, those with room have stored it.
      const outcome = queues.length === 1 ? "not-stored" : "unknown"
      const { name } = full
      return new PublishError("queue-full", `the queue ${name} is full`, outcome, { cause, queue: name })
    }
    const now = performance.now()
    this.#unexplainedSince ??= now
    if (now - this.#unexplainedSince >= UNEXPLAINED_FOR_MS) {
      this.#unexplainedSince = null
      this.#options.reset()
    }
    return new PublishError("engine-unavailable", "RabbitMQ refused the event", "unknown", { cause })
  }

  /** Returns null if the depths are unavailable. */
  async #depths(): Promise<ReadonlyMap<string, number> | null> {
    if (this.#look === null) {
      this.#look = this.#options.depths()
      setTimeout(() => {
        this.#look = null
      }, LOOK_LASTS_MS)
    }
    const timeout = Bun.sleep(LOOK_TIMEOUT_MS).then(() => null)
    // An unreachable broker is reported elsewhere.
    return Promise.race([this.#look.catch(() => null), timeout])
  }
}
