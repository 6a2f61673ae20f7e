/** Counts since the start of the service. */
export interface Totals {
  /** Events that were stored for a publisher. */
  readonly published: number
  /** Deliveries that a handler has handled. */
  readonly handled: number
  /** Attempts that failed, and deliveries that became dead letters without one. */
  readonly failed: number
}

/** Seconds of one step. */
export const STEP_SECONDS = 5

/** Steps that are kept: an hour. */
const MAX_STEPS = 720

/** The counts of each step of a time, the oldest step first. */
export interface ThroughputSeries {
  /** End of the last step, in milliseconds since the epoch; 0 before the first one has ended. */
  readonly endsAt: number
  readonly published: readonly number[]
  readonly handled: readonly number[]
  readonly failed: readonly number[]
}

/** Counts of the last hour, in steps of `STEP_SECONDS`. They are kept in memory, and begin with the service. */
export class Throughput implements Disposable {
  readonly #totals: Totals
  readonly #timer: Timer
  #before: Totals
  #endsAt = 0
  #steps: Totals[] = []

  /** @param totals read at the end of each step */
  constructor(totals: Totals) {
    this.#totals = totals
    this.#before = { ...totals }
    this.#timer = setInterval(() => this.step(Date.now()), STEP_SECONDS * 1_000)
    this.#timer.unref()
  }

  /** Ends a step. The timer does so. @param now in milliseconds since the epoch */
  step(now: number): void {
    const { published, handled, failed } = this.#totals
    const before = this.#before
    this.#steps.push({
      published: published - before.published,
      handled: handled - before.handled,
      failed: failed - before.failed,
    })
    if (this.#steps.length > MAX_STEPS) this.#steps = this.#steps.slice(-MAX_STEPS)
    this.#before = { published, handled, failed }
    this.#endsAt = now
  }

  /** Returns the steps that ended after a time, in milliseconds since the epoch. */
  since(time: number): ThroughputSeries {
    const newer = Math.max(0, Math.round((this.#endsAt - time) / (STEP_SECONDS * 1_000)))
    const steps = newer === 0 ? [] : this.#steps.slice(-newer)
    return {
      endsAt: this.#endsAt,
      published: steps.map(({ published }) => published),
      handled: steps.map(({ handled }) => handled),
      failed: steps.map(({ failed }) => failed),
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
