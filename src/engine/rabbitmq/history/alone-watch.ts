import type { WriterId } from "./batch.ts"

/** Batches of this instance within a second above which reading them costs more than it is worth. */
const MANY = 20
const WINDOW_MS = 1_000

/** How long no other instance must have written, in milliseconds. */
const ALONE_FOR_MS = 5_000

/** Sees from what is read whether this instance writes a lot, and alone. */
export class AloneWatch {
  readonly #id: WriterId
  #own = 0
  #since = Number.NEGATIVE_INFINITY
  /** When another instance wrote last, on the monotonic clock. */
  #othersAt = Number.NEGATIVE_INFINITY

  constructor(id: WriterId) {
    this.#id = id
  }

  /** Counts a message. Returns whether this instance writes a lot, and alone. */
  saw(token: string): boolean {
    const now = performance.now()
    if (!token.endsWith(this.#id)) {
      this.#othersAt = now
      this.#own = 0
      return false
    }
    if (now - this.#since > WINDOW_MS) {
      this.#since = now
      this.#own = 0
    }
    this.#own++
    return this.#own >= MANY && now - this.#othersAt > ALONE_FOR_MS
  }

  reset(): void {
    this.#own = 0
  }
}
