import type { Report } from "../report.ts"

interface Trouble {
  readonly reason: string
  /** By the monotonic clock, in milliseconds. */
  readonly beganAt: number
  readonly seenAt: number
}

/**
 * How long a trouble stands after it was met last, in milliseconds. Longer than the waits between attempts; a delay
 * tier that was mended may not be used again for hours, and nothing would say that it is well.
 */
const STANDS_FOR_MS = 300_000

/** How long after a log line the next one of the same kind says nothing new, in milliseconds. */
const SAME_MOMENT_MS = 1_000

/** Places that are remembered at most: topics are the clients' choice. */
const MAX_REMEMBERED = 1_000

/** Places that the health names; it counts the others. */
const MAX_NAMED = 3

/**
 * What can't be published, stored or declared on RabbitMQ at this moment, and why. Each is logged when it begins, when its reason
 * changes and when it ends, however often it is tried in between.
 */
export class Troubles {
  readonly #report: Report
  readonly #byPlace = new Map<string, Trouble>()
  /** When it was logged last that a place was declared again. */
  readonly #mendedAt = new Map<string, number>()

  constructor(report: Report) {
    this.#report = report
  }

  /** One sentence for `/health`; undefined if all is well. */
  get warning(): string | undefined {
    this.#forgetOld()
    if (this.#byPlace.size === 0) return undefined
    const sentences = [...this.#byPlace].map(([place, { reason }]) => `${place} can't be used: ${reason}`)
    const more = sentences.splice(MAX_NAMED).length
    return [...sentences, ...(more > 0 ? [`and ${more} more`] : [])].join("; ")
  }

  /**
   * @param place the queue, delay tier, exchange or topic, as RabbitMQ calls it
   * @param consequence what becomes of the events concerned, for the log
   */
  began(place: string, reason: string, consequence: string): void {
    this.#forgetOld()
    const known = this.#byPlace.get(place)
    const now = performance.now()
    this.#byPlace.set(place, { reason, beganAt: known?.beganAt ?? now, seenAt: now })
    const [oldest] = this.#byPlace.keys()
    if (this.#byPlace.size > MAX_REMEMBERED && oldest !== undefined) this.#byPlace.delete(oldest)
    if (known?.reason === reason) return
    this.#report("error", `${place} can't be used: ${consequence}`, { reason })
  }

  /** Something was missing on the broker, and is declared again. Logged once for all who noticed at that moment. */
  mended(place: string): void {
    const now = performance.now()
    const before = this.#mendedAt.get(place)
    this.#mendedAt.set(place, now)
    if (before !== undefined && now - before < SAME_MOMENT_MS) return
    this.#report("warn", `${place} was missing on RabbitMQ, and is declared again`, {})
  }

  ended(place: string): void {
    const trouble = this.#byPlace.get(place)
    if (trouble === undefined) return
    this.#byPlace.delete(place)
    const ms = Math.round(performance.now() - trouble.beganAt)
    this.#report("info", `${place} can be used again`, { after_ms: ms })
  }

  #forgetOld(): void {
    const now = performance.now()
    for (const [place, { seenAt }] of this.#byPlace) {
      if (now - seenAt > STANDS_FOR_MS) this.#byPlace.delete(place)
    }
  }
}
