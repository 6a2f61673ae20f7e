import type { Database } from "bun:sqlite"
import { engineLine, type GapFact } from "../../../event/history-fact.ts"
import { reasonOf } from "../../../system/reason-of.ts"
import type { Report } from "../../report.ts"

/** Facts that the history will never have. */
type Gap = Pick<GapFact, "since" | "reason">

/** Begins the row of a gap, and no other. */
const MARK = '{"fact":"gap"'

const DISK_SHORT = "the disk was nearly full"
const NOT_TAKEN = "the history did not take it"
const TURNED_OFF = "HISTORY was off"

/**
 * The gap in a store's facts that no batch tells the end of yet. Its beginning is stored as a mark, a row of its own, and
 * the next batch of facts says that it ended.
 */
export class FactGap {
  #gap: Gap | null
  /** The gap that the turn that is being written tells the end of. */
  #told: Gap | null = null

  constructor(database: Database) {
    this.#gap = lastMark(database)
  }

  /** Begins a turn. */
  begin(): void {
    this.#told = null
  }

  /** Notes that the facts of this turn are left out. Returns the mark to store; null if there is one. */
  leaveOut(): string | null {
    if (this.#gap !== null) return null
    // Even if this turn can't be written: a disk that is full is not asked for more again.
    this.#gap = { since: Date.now(), reason: DISK_SHORT }
    return markOf(this.#gap)
  }

  /** Notes that batches were dropped. */
  dropped(): void {
    this.#gap ??= { since: null, reason: NOT_TAKEN }
  }

  /** Returns the line that tells a gap's end, for the batch of this turn; null if there is no gap. */
  end(): string | null {
    this.#told = this.#gap
    return this.#gap && engineLine({ fact: "gap", at: Date.now(), ...this.#gap })
  }

  /** The turn was written. */
  written(): void {
    if (this.#told === this.#gap) this.#gap = null
    this.#told = null
  }
}

/** Stores a mark that no facts are recorded from now on, unless it is there. */
export function markTurnedOff(database: Database, report: Report): void {
  try {
    if (lastMark(database) !== null) return
    database.run(
      `INSERT INTO facts (seq, length, token, text)
       SELECT ifnull(max(seq), 0) + 1, length(?1), ?2, ?1 FROM facts`,
      [markOf({ since: Date.now(), reason: TURNED_OFF }), crypto.randomUUID()],
    )
  } catch (error) {
    report("warn", "can't note that no history is recorded: it will not say so when it is", {
      reason: reasonOf(error),
    })
  }
}

const markOf = (gap: Gap): string => engineLine({ fact: "gap", at: gap.since ?? Date.now(), ...gap })

/** Returns the gap of the last row; null if it has facts. */
function lastMark(database: Database): Gap | null {
  using query = database.prepare<{ text: string }, []>("SELECT text FROM facts ORDER BY seq DESC LIMIT 1")
  const text = query.get()?.text
  if (text === undefined || !text.startsWith(MARK) || text.includes("\n")) return null
  const { since, reason }: GapFact = JSON.parse(text)
  return { since, reason }
}
