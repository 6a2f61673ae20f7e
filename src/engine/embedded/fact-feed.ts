import type { HistoryFact } from "../../event/history-fact.ts"
import type { FactFollower, FactLog, FactProgress } from "../fact-log.ts"
import type { Report } from "../report.ts"
import type { Operate } from "./commit/turn.ts"
import type { FactStore } from "./store/fact-store.ts"

/** Least time between two log lines about dropped facts, in milliseconds. */
const LOG_INTERVAL_MS = 60_000

/** Feeds the facts of a store to their follower. */
export class FactFeed implements FactLog {
  readonly eventsFile: string
  readonly lacksPast: boolean
  readonly #store: FactStore
  readonly #operate: Operate
  readonly #report: Report
  /** Batches up to this one are on the disk. */
  #durable: number
  /** Resolves when there is another batch, or the follower has changed. */
  #news = Promise.withResolvers<void>()
  #follower: FactFollower | null = null
  /** Number of the last batch that the follower has taken. */
  #fed = 0
  /** Number of the last batch that was there before the follower began. */
  #before = 0
  readonly #waiting = new Set<{ readonly through: number; readonly resolve: () => void }>()
  #isClosed = false
  #reachedAt: number | null = null
  /** Batches whose loss the log has told. */
  #toldDropped = 0
  #toldLeftOut = 0
  #toldAt = Number.NEGATIVE_INFINITY

  /** @param eventsFile the file of the store */
  constructor(store: FactStore, eventsFile: string, operate: Operate, report: Report) {
    this.eventsFile = eventsFile
    this.lacksPast = store.lacksPast
    this.#store = store
    this.#operate = operate
    this.#report = report
    this.#durable = store.newest
  }

  append(fact: HistoryFact): Promise<void> {
    // A fact tells of something that happened, so it needs no room of a publish.
    return this.#operate(() => this.#store.note(fact), { room: false })
  }

  follow(follower: FactFollower): () => void {
    this.#follower = follower
    this.#before = Number.POSITIVE_INFINITY
    void this.#begin(follower)
    return () => {
      if (this.#follower === follower) this.#leave()
    }
  }

  async delivered(): Promise<void> {
    await this.#writeDeferred()
    const through = this.#durable
    if (this.#follower === null || this.#fed >= through) return
    await new Promise<void>((resolve) => this.#waiting.add({ through, resolve }))
  }

  progress(): FactProgress {
    const isCaughtUp = this.#follower !== null && this.#fed >= this.#before
    return { isCaughtUp, reachedAt: this.#reachedAt, failure: null, waiting: 0, dropped: this.#store.dropped }
  }

  release(position: string): void {
    this.#store.release(this.#store.numberOf(position))
  }

  /** Called when a turn is on the disk. */
  confirmed(): void {
    this.#tellDropped()
    if (this.#store.newest === this.#durable) return
    this.#durable = this.#store.newest
    this.#wake()
  }

  close(): void {
    this.#isClosed = true
    this.#leave()
  }

  /** Writes what no batch tells of yet. If the store can't be written now, that comes later. */
  async #writeDeferred(): Promise<void> {
    if (this.#store.isDeferring) await this.#operate(() => {}, { room: false }).catch(() => undefined)
  }

  async #begin(follower: FactFollower): Promise<void> {
    await this.#writeDeferred()
    if (!this.#isFollowing(follower)) return
    this.#before = this.#durable
    await this.#feed(follower)
  }

  /** A store that was restored from a backup does not have the position: everything in it is delivered then. */
  async #feed(follower: FactFollower): Promise<void> {
    this.#fed = this.#store.isEmpty ? this.#durable : this.#store.numberOf(follower.position() ?? "")
    this.#store.release(this.#fed)
    while (this.#isFollowing(follower)) {
      const news = this.#news.promise
      const batches = this.#durable > this.#fed ? this.#store.read(this.#fed, this.#durable) : []
      for (const batch of batches) {
        await follower.take(batch)
        if (!this.#isFollowing(follower)) return
        this.#fed = batch.seq
        this.#reachedAt = Date.now()
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

  #tellDropped(): void {
    const dropped = this.#store.dropped - this.#toldDropped
    if (dropped === 0 || performance.now() - this.#toldAt < LOG_INTERVAL_MS) return
    const isDiskShort = this.#store.leftOut > this.#toldLeftOut
    this.#toldDropped = this.#store.dropped
    this.#toldLeftOut = this.#store.leftOut
    this.#toldAt = performance.now()
    const why = isDiskShort ? "the disk is nearly full" : "the history does not take them"
    this.#report("warn", `facts dropped, because ${why}: the history has a gap`, { batches: dropped })
  }

  #wake(): void {
    const { resolve } = this.#news
    this.#news = Promise.withResolvers()
    resolve()
  }
}
