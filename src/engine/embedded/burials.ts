import type { FailureReason } from "../../event/failure.ts"
import type { Report } from "../report.ts"

/** How often the log says that a queue loses events for one reason, in milliseconds; a full queue loses thousands. */
const LOG_INTERVAL_MS = 10_000

/** Counts events that became dead letters without an attempt. Called once the turn is written. Must not throw. */
export type OnBuried = (queue: string, reason: FailureReason, count: number) => void

interface Burial {
  readonly queue: string
  readonly reason: FailureReason
  /** Of the turn that is being written. */
  inTurn: number
  /** Written, and not logged. */
  unlogged: number
  loggedAt: number
}

/** What the log calls each reason. Corrupt events have lines of their own. */
const MESSAGES: Partial<Record<FailureReason, string>> = {
  expired: "events expired in their queue, and are now dead letters",
  overflow: "events left a full queue, and are now dead letters",
}

/** Says which events became dead letters although no handler has seen them: nothing else would say so. */
export class Burials {
  readonly #report: Report
  readonly #onBuried: OnBuried
  /** By queue and reason. */
  readonly #burials = new Map<string, Burial>()

  constructor(report: Report, onBuried: OnBuried = () => {}) {
    this.#report = report
    this.#onBuried = onBuried
  }

  /** A turn begins: what the one before noted was written, or never will be. */
  begin(): void {
    for (const burial of this.#burials.values()) burial.inTurn = 0
  }

  note(queue: string, reason: FailureReason): void {
    const key = `${reason} ${queue}`
    const known = this.#burials.get(key)
    const burial = known ?? { queue, reason, inTurn: 0, unlogged: 0, loggedAt: Number.NEGATIVE_INFINITY }
    burial.inTurn++
    if (known === undefined) this.#burials.set(key, burial)
  }

  /** The turn is written. The first events are logged at once, and those of the next seconds together. */
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
