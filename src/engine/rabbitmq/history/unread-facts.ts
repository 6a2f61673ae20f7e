import type { Batch } from "./batch.ts"

/** Length of the batches that are kept until they are read, in UTF-16 code units. Of older ones only the number of facts is known. */
const MAX_LENGTH = 16_777_216

/** Most batches that are remembered: those beyond it, the oldest, count as read. */
const MAX_BATCHES = 100_000

/** A batch that was sent, and that this instance has not read in the stream. */
interface Unread {
  /** Null if it was let go, because those after it are too long. */
  batch: Batch | null
  readonly facts: number
  readonly length: number
  /** Its place among the batches that RabbitMQ has confirmed; null before that. */
  storedAs: number | null
}

/** Facts that a mark shows to be lost. */
export interface LostFacts {
  readonly batches: readonly Batch[]
  /** Number of lost facts that are in none of these batches. */
  readonly dropped: number
}

/**
 * Keeps the batches that were sent until they are read. A batch that was confirmed before a mark was made, and was not
 * read when the mark is, was in a stream that somebody has deleted.
 */
export class UnreadFacts {
  readonly #unread = new Map<string, Unread>()
  /** How many batches were confirmed when a mark was made. */
  readonly #marks = new WeakMap<Batch, number>()
  #isFollowed = false
  #confirmed = 0
  /** Length of the batches that are kept. */
  #length = 0

  /** The stream is read from now on. */
  begin(): void {
    this.#isFollowed = true
  }

  /** Nobody reads the stream any more. */
  end(): void {
    this.#isFollowed = false
    this.#unread.clear()
    this.#length = 0
  }

  marked(mark: Batch): void {
    this.#marks.set(mark, this.#confirmed)
  }

  sent(batch: Batch): void {
    const { token, facts, length } = batch
    if (!this.#isFollowed || facts === 0) return
    this.read(token)
    this.#unread.set(token, { batch, facts, length, storedAs: null })
    this.#length += length
    if (this.#length > MAX_LENGTH || this.#unread.size > MAX_BATCHES) this.#bound()
  }

  stored({ token }: Batch): void {
    this.#confirmed++
    const unread = this.#unread.get(token)
    if (unread !== undefined) unread.storedAs = this.#confirmed
  }

  read(token: string): void {
    const unread = this.#unread.get(token)
    if (unread === undefined) return
    this.#unread.delete(token)
    if (unread.batch !== null) this.#length -= unread.length
  }

  /** Removes what is lost, going by a mark that was read. */
  takeLost(mark: Batch): LostFacts {
    const confirmed = this.#marks.get(mark) ?? 0
    const batches: Batch[] = []
    let dropped = 0
    for (const [token, { batch, facts, storedAs }] of this.#unread) {
      if (storedAs === null || storedAs > confirmed) continue
      if (batch === null) dropped += facts
      else batches.push(batch)
      this.read(token)
    }
    return { batches, dropped }
  }

  #bound(): void {
    for (const unread of this.#unread.values()) {
      if (this.#length <= MAX_LENGTH) break
      // RabbitMQ may still refuse it.
      if (unread.batch === null || unread.storedAs === null) continue
      unread.batch = null
      this.#length -= unread.length
    }
    const [oldest] = this.#unread.keys()
    if (this.#unread.size > MAX_BATCHES && oldest !== undefined) this.read(oldest)
  }
}
