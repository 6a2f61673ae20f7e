import type { Database } from "bun:sqlite"
import { engineLine, type GapFact, joinLines } from "../../../event/history-fact.ts"
import type { RecordedEvents } from "./recorded-events.ts"

/** Facts that the history will never have. */
type Gap = Pick<GapFact, "since" | "reason">

/** Begins the row of a gap, and no other. */
const MARK = '{"fact":"gap"'

const DISK_SHORT = "the disk was nearly full"
const NOT_TAKEN = "the history did not take it"
const TURNED_OFF = "no history was kept"

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

  /** True if no batch tells its end yet. */
  get isOpen(): boolean {
    return this.#gap !== null
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
    return this.#gap && engineLine({ fact: "gap", at: Date.now(), ...this.#gap, is_open: false })
  }

  /** The turn was written. */
  written(): void {
    if (this.#told === this.#gap) this.#gap = null
    this.#told = null
  }
}

/** Marks, in the first turn that has something to record, that HISTORY is off. */
export class UnrecordedTurns {
  readonly #database: Database
  readonly #recorded: RecordedEvents
  #mark: "missing" | "in-turn" | "stored" = "missing"

  constructor(database: Database, recorded: RecordedEvents) {
    this.#database = database
    this.#recorded = recorded
  }

  /** Call it in the transaction of a turn. @param turn its number */
  mark(turn: number): void {
    if (this.#mark === "stored") return
    this.#mark = "in-turn"
    const { later } = this.#recorded
    if (!later.isEmpty) this.#insert(joinLines(later.lines()), later.length, turn)
    if (lastMark(this.#database) === null)
      this.#insert(markOf({ since: Date.now(), reason: TURNED_OFF }), 0, turn)
  }

  /** Returns what `recorded` is after the turn that is being written. @param lastEvent number of the store's last event */
  recordedThrough(lastEvent: number): number {
    return this.#mark === "missing" ? this.#recorded.through : lastEvent
  }

  /** The turn was written. */
  written(): void {
    if (this.#mark === "in-turn") this.#mark = "stored"
  }

  #insert(text: string, eventsLength: number, turn: number): void {
    // A number that no batch had: number 1 is given once in the life of a store.
    this.#database.run(
      `INSERT INTO facts (seq, length, token, text)
       SELECT max(ifnull(max(seq), 0) + 1, ?1), octet_length(?2) + ?4, ?3, ?2 FROM facts`,
      [turn, text, crypto.randomUUID(), eventsLength],
    )
  }
}

const markOf = (gap: Gap): string =>
  engineLine({ fact: "gap", at: gap.since ?? Date.now(), ...gap, is_open: true })

/** Returns the gap of the last row; null if it has facts, or is damaged. */
function lastMark(database: Database): Gap | null {
  using query = database.prepare<{ text: string }, []>("SELECT text FROM facts ORDER BY seq DESC LIMIT 1")
  const text = query.get()?.text
  if (text === undefined || !text.startsWith(MARK) || text.includes("\n")) return null
  try {
    const { since, reason }: GapFact = JSON.parse(text)
    return { since, reason }
  } catch {
    return null
  }
}
