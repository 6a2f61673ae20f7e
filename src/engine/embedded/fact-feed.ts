import type { FactBatch, HistoryFact } from "../../event/history-fact.ts"
import type { FactFollower, FactLog } from "../fact-log.ts"
import type { Operate } from "./commit/turn.ts"
import type { FactStore } from "./store/fact-store.ts"

/** Feeds the facts of a store to their follower. */
export class FactFeed implements FactLog {
  readonly #store: FactStore
  readonly #operate: Operate
  /** Batches up to this one are on the disk. */
  #durable: number
  /** Resolves when there is another batch, or the follower has changed. */
  #news = Promise.withResolvers<void>()
  #follower: FactFollower | null = null
  /** Number of the last batch that the follower has taken. */
  #fed = 0
  readonly #waiting = new Set<{ readonly through: number; readonly resolve: () => void }>()
  #isClosed = false

  constructor(store: FactStore, operate: Operate) {
    this.#store = store
    this.#operate = operate
    this.#durable = store.newest
  }

  append(fact: HistoryFact): Promise<void> {
    // A fact tells of something that happened, so it needs no room of a publish.
    return this.#operate(() => this.#store.note(fact), { room: false })
  }

  follow(follower: FactFollower): () => void {
    this.#follower = follower
    void this.#feed(follower)
    return () => {
      if (this.#follower === follower) this.#leave()
    }
  }

  delivered(): Promise<void> {
    const through = this.#durable
    if (this.#follower === null || this.#fed >= through) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.add({ through, resolve }))
  }

  release(position: string): void {
    this.#store.release(Number(position))
  }

  /** Called when a turn is on the disk. */
  confirmed(): void {
    if (this.#store.newest === this.#durable) return
    this.#durable = this.#store.newest
    this.#wake()
  }

  close(): void {
    this.#isClosed = true
    this.#leave()
  }

  /**
   * Delivers what is stored, whatever position the follower has: batches are deleted once they are released, and a store
   * that was restored from a backup counts from an earlier one.
   */
  async #feed(follower: FactFollower): Promise<void> {
    this.#fed = 0
    while (this.#isFollowing(follower)) {
      const news = this.#news.promise
      const batches = this.#read(this.#fed)
      for (const batch of batches) {
        await follower.take(batch)
        if (!this.#isFollowing(follower)) return
        this.#fed = Number(batch.position)
      }
      if (this.#waiting.size > 0) this.#tellWaiting()
      if (batches.length === 0) await news
    }
  }

  #leave(): void {
    this.#follower = null
    this.#wake()
    this.#tellWaiting()
  }

  /** Ends the waits for batches that are fed, or that nobody takes. */
  #tellWaiting(): void {
    for (const wait of this.#waiting) {
      if (this.#follower !== null && wait.through > this.#fed) continue
      this.#waiting.delete(wait)
      wait.resolve()
    }
  }

  #isFollowing(follower: FactFollower): boolean {
    return this.#follower === follower && !this.#isClosed
  }

  #read(after: number): readonly FactBatch[] {
    return this.#durable > after ? this.#store.read(after, this.#durable) : []
  }

  #wake(): void {
    const { resolve } = this.#news
    this.#news = Promise.withResolvers()
    resolve()
  }
}
