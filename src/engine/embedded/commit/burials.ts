import type { DeadLetterReason } from "../../../event/failure.ts"
import type { Report } from "../../report.ts"

/**
 * Minimum interval between log lines about one queue and reason, in milliseconds; a full queue can lose
 * thousands of events.
 */
const LOG_INTERVAL_MS = 10_000

/**
 * Counts events that became dead letters without an attempt. Called after the turn is written. Must not
 * throw.
 */
export type OnBuried = (queue: string, reason: DeadLetterReason, count: number) => void

interface Burial {
  readonly queue: string
  readonly reason: DeadLetterReason
  /** Events of the turn that is being written. */
  inTurn: number
  /** Events that are written but not logged yet. */
  unlogged: number
  loggedAt: number
}

/** Log message of each reason. Corrupt events have their own log lines. */
const MESSAGES: Partial<Record<DeadLetterReason, string>> = {
  expired: "events expired in their queue and are now dead letters",
  overflow: "events left a full queue and are now dead letters",
}

/** Logs events that became dead letters without reaching a handler. Nothing else reports them. */
export class Burials {
  readonly #report: Report
  readonly #onBuried: OnBuried
  /** Keyed by reason and queue. */
  readonly #burials = new Map<string, Burial>()

  constructor(report: Report, onBuried: OnBuried = () => {}) {
    this.#report = report
    this.#onBuried = onBuried
  }

  /** Starts a turn. The events of the previous one were reported, or were never written. */
  begin(): void {
    for (const burial of this.#burials.values()) burial.inTurn = 0
  }

  note(queue: string, reason: DeadLetterReason): void {
    const key = `${reason} ${queue}`
    const known = this.#burials.get(key)
    const burial = known ?? { queue, reason, inTurn: 0, unlogged: 0, loggedAt: Number.NEGATIVE_INFINITY }
    burial.inTurn++
    if (known === undefined) this.#burials.set(key, burial)
  }

  /**
   * Reports the written turn. Logs the first events at once, and those of the following interval together.
   */
  written(now = performance.now()): void {
    for (const [key, burial] of this.#burials) {
      const { queue, reason, inTurn } = burial
      if (inTurn > 0) this.#onBuried(queue, reason, inTurn)
      burial.unlogged += inTurn
      burial.inTurn = 0
      if (now - burial.loggedAt < LOG_INTERVAL_MS) continue
      if (burial.unlogged === 0) {
        this.#burials.delete(key)
        continue
      }
      const message = MESSAGES[reason]
      if (message !== undefined) this.#report("warn", message, { queue, events: burial.unlogged })
      burial.unlogged = 0
      burial.loggedAt = now
    }
  }
}
