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
      if (this.#follower === follower) this.#follower = null
      this.#wake()
    }
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
    this.#follower = null
    this.#wake()
  }

  /**
   * Delivers what is stored, whatever position the follower has: batches are deleted once they are released, and a store
   * that was restored from a backup counts from an earlier one.
   */
  async #feed(follower: FactFollower): Promise<void> {
    let fed = 0
    while (this.#isFollowing(follower)) {
      const news = this.#news.promise
      const batches = this.#read(fed)
      for (const batch of batches) {
        await follower.take(batch)
        if (!this.#isFollowing(follower)) return
        fed = Number(batch.position)
      }
      if (batches.length === 0) await news
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
