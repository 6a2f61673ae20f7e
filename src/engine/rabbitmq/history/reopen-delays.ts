import { type Backoff, RetryDelays } from "../../../event/backoff.ts"

/** Backoff before the channel is opened again. */
const REOPEN_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 15_000 }

/** Interval at which a refusal that stays until somebody changes something is tried again, in milliseconds. */
export const REFUSED_FOR_MS = 60_000

/** How long the stream stays missing, in milliseconds, so that RabbitMQ 3 tells every consumer of its deletion. */
const DELETION_TOLD_MS = 250

/** How long the writer waits before it opens its channel again. All times are in milliseconds. */
export class ReopenDelays {
  readonly #delays = new RetryDelays(REOPEN_BACKOFF)
  #spareMs = 0

  /** The stream works. */
  reset(): void {
    this.#delays.reset()
  }

  /** Returns the wait on the same connection. */
  next(hasVanished: boolean): number {
    return Math.max(hasVanished ? DELETION_TOLD_MS : 0, this.#delays.next())
  }

  /** RabbitMQ ended the connection because of the stream: the next one is left alone for a while. */
  spareNext(isRefused: boolean): void {
    this.#spareMs = isRefused ? REFUSED_FOR_MS : this.#delays.next()
  }

  /** Returns the wait on a new connection. */
  takeSpare(): number {
    const spareMs = this.#spareMs
    this.#spareMs = 0
    return spareMs
  }
}
