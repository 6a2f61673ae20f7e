import type { Receipt } from "../../../event/receipt.ts"
import { PublishError } from "../../errors.ts"
import { type Mark, type Once, type Remembered, recognize, toRemember } from "../../once.ts"
import type { Report } from "../../report.ts"

export interface RecentPublishesOptions {
  readonly report: Report
  /** Most marks that are remembered. Default: 200,000, which take up to 100 MB. */
  readonly maxMarks?: number
  /** Returns milliseconds that never go back. Default: the monotonic clock. */
  readonly now?: () => number
}

interface Entry extends Remembered {
  readonly expiresAt: number
}

const MAX_MARKS = 200_000

/** Marks that are checked for their expiry with each new one. More than one, so that expired ones can't pile up. */
const CHECKED_PER_NEW = 4

/**
 * Remembers in memory what this instance has published, and what it learns of others, so that a repetition is not stored again. A publish with an
 * unknown outcome is forgotten, because its event may not be stored.
 */
export class RecentPublishes {
  readonly #options: RecentPublishesOptions
  readonly #maxMarks: number
  readonly #now: () => number
  /** By hash, the oldest first. */
  readonly #known = new Map<string, Entry>()
  /** Events that are being published, by the hashes of their marks. The promises never reject. */
  readonly #underWay = new Map<string, Promise<void>>()
  #reportedAt = Number.NEGATIVE_INFINITY

  constructor(options: RecentPublishesOptions) {
    this.#options = options
    this.#maxMarks = options.maxMarks ?? MAX_MARKS
    this.#now = options.now ?? (() => performance.now())
  }

  /**
   * Stores an event, unless it was stored before. Waits for a publish of the same event that is under way.
   * @returns the receipt of the first publish; null if the event was stored now
   * @throws {PublishError} `idempotency-key-reused`, and as `store` does.
   */
  async publish(once: Once, own: Receipt, store: () => Promise<unknown>): Promise<Receipt | null> {
    const hashes = once.marks.filter(({ by }) => by !== "request").map(({ hash }) => hash)
    for (let first = this.#underWayOf(hashes); first !== undefined; first = this.#underWayOf(hashes)) {
      await first
    }
    const known = recognize(once, (mark) => this.#find(mark))
    if (known instanceof PublishError) throw known
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const hash of hashes) this.#underWay.set(hash, promise)
    try {
      const { repeats, missing } = known
      if (repeats === null) await store()
      for (const mark of missing) this.#remember(mark, repeats ?? own, once.windowMs)
      return repeats
    } finally {
      for (const hash of hashes) this.#underWay.delete(hash)
      resolve()
    }
  }

  /** Remembers a publish of another instance. @param leftMs how long its marks are valid, in milliseconds */
  learn(marks: readonly Mark[], receipt: Receipt, leftMs: number): void {
    for (const mark of marks) {
      if (this.#find(mark) === null) this.#remember(mark, receipt, leftMs)
    }
  }

  #underWayOf(hashes: readonly string[]): Promise<void> | undefined {
    for (const hash of hashes) {
      const found = this.#underWay.get(hash)
      if (found !== undefined) return found
    }
    return undefined
  }

  #find({ hash }: Mark): Remembered | null {
    const entry = this.#known.get(hash)
    return entry !== undefined && entry.expiresAt > this.#now() ? entry : null
  }

  #remember(mark: Mark, receipt: Receipt, windowMs: number): void {
    const now = this.#now()
    // Otherwise an expired entry would keep its place.
    this.#known.delete(mark.hash)
    this.#known.set(mark.hash, { ...toRemember(mark, receipt), expiresAt: now + windowMs })
    let checked = 0
    for (const [hash, { expiresAt }] of this.#known) {
      const isExpired = expiresAt <= now
      if (!isExpired && this.#known.size <= this.#maxMarks) return
      if (!isExpired) this.#reportForgotten(windowMs, windowMs - (expiresAt - now), now)
      this.#known.delete(hash)
      if (++checked === CHECKED_PER_NEW) return
    }
  }

  /** Reports at most once in a window. */
  #reportForgotten(windowMs: number, rememberedMs: number, now: number): void {
    if (now - this.#reportedAt < windowMs) return
    this.#reportedAt = now
    this.#options.report("warn", "too many publishes to recognize repetitions for DEDUPLICATION_WINDOW", {
      marks: this.#maxMarks,
      recognized_for_ms: Math.round(rememberedMs),
    })
  }
}
