import type { QueueDeclaration } from "../engine.ts"
import { PublishError } from "../errors.ts"

/** How long one look at the queues' depths serves, in milliseconds: many refusals come at once. */
const LOOK_LASTS_MS = 250

/** How long a look may take, in milliseconds; a queue without a leader does not answer. */
const LOOK_TIMEOUT_MS = 2_000

/** How long refusals that no full queue explains may go on before the channel is given up, in milliseconds. */
const UNEXPLAINED_FOR_MS = 1_000

export interface RefusalsOptions {
  /** How many events wait in each queue. */
  readonly depths: () => Promise<ReadonlyMap<string, number>>
  /** Makes the channel that publishes anew. */
  readonly reset: () => void
}

/**
 * Finds out what a nack means. A full queue refuses by one, but so does a channel that still sends to a quorum
 * queue's lost leader, as RabbitMQ 3.10 does for as long as that channel lives.
 */
export class Refusals {
  readonly #options: RefusalsOptions
  #unexplainedSince: number | null = null
  #look: Promise<ReadonlyMap<string, number>> | null = null

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  /** An event was confirmed: the channel is sound. */
  confirmed(): void {
    this.#unexplainedSince = null
  }

  /** What to tell a publisher whose event was refused, given the queues that it goes to. */
  async explain(queues: readonly QueueDeclaration[], cause: PublishError): Promise<PublishError> {
    const depths = await this.#depths()
    const full = queues.find(
      ({ name, maxLength, overflow }) =>
        overflow === "reject-publish" && (depths?.get(name) ?? 0) >= maxLength,
    )
    if (full !== undefined) {
      // Where the event goes to others too, those with room have kept it.
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

  /** Null where they can't be told at this moment. */
  async #depths(): Promise<ReadonlyMap<string, number> | null> {
    if (this.#look === null) {
      this.#look = this.#options.depths()
      setTimeout(() => {
        this.#look = null
      }, LOOK_LASTS_MS)
    }
    const timeout = Bun.sleep(LOOK_TIMEOUT_MS).then(() => null)
    // A broker that is away says so by the other ways too.
    return Promise.race([this.#look.catch(() => null), timeout])
  }
}
