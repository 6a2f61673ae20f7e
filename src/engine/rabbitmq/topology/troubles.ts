import type { Report } from "../../report.ts"

interface Trouble {
  readonly reason: string
  /** On the monotonic clock, in milliseconds. */
  readonly beganAt: number
  readonly seenAt: number
}

/**
 * How long a problem is reported after it was last seen, in milliseconds. Longer than the backoff between
 * attempts. A repaired delay tier may stay unused for hours, so nothing would report that it works again.
 */
const STANDS_FOR_MS = 300_000

/** After a log line, no other line of the same kind is logged for this long, in milliseconds. */
const SAME_MOMENT_MS = 1_000

/** Most places remembered, because clients choose the topics. */
const MAX_REMEMBERED = 1_000

/** Most places that the health report names; it counts the others. */
const MAX_NAMED = 3

/**
 * Problems with publishing, storing or declaring on RabbitMQ, and their reasons. Each is logged when it
 * begins, when its reason changes and when it ends, however often it is retried in between.
 */
export class Troubles {
  readonly #report: Report
  readonly #byPlace = new Map<string, Trouble>()
  /** When the redeclaration of each place was last logged. */
  readonly #mendedAt = new Map<string, number>()

  constructor(report: Report) {
    this.#report = report
  }

  /** One sentence for `/health`; undefined if there is no problem. */
  get warning(): string | undefined {
    this.#forgetOld()
    if (this.#byPlace.size === 0) return undefined
    const sentences = [...this.#byPlace].map(([place, { reason }]) => `${place} can't be used: ${reason}`)
    const more = sentences.splice(MAX_NAMED).length
    return [...sentences, ...(more > 0 ? [`and ${more} more`] : [])].join("; ")
  }

  /**
   * @param place the queue, delay tier, exchange or topic, as RabbitMQ names it
   * @param consequence what happens to the affected events, for the log
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

  /** Logs that a missing object was declared again, once for all callers that noticed it at the same time. */
  mended(place: string): void {
    const now = performance.now()
    const before = this.#mendedAt.get(place)
    this.#mendedAt.set(place, now)
    if (before !== undefined && now - before < SAME_MOMENT_MS) return
    this.#report("warn", `${place} was missing on RabbitMQ and has been declared again`, {})
  }

  /** Nobody uses the place any more. */
  forget(place: string): void {
    this.#byPlace.delete(place)
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
