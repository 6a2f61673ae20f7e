import type { Database } from "bun:sqlite"

/** A time of which the history lacks something. In milliseconds since the epoch. */
export interface Gap {
  /** Null if it is unknown. */
  readonly since: number | null
  /** Its end; its beginning if it goes on, as far as is known. */
  readonly until: number
  readonly isOpen: boolean
  /** In words that follow "because". */
  readonly reason: string
}

interface GapRow {
  readonly since: number | null
  readonly until: number | null
  readonly isOpen: number | null
  readonly reason: string | null
}

/** The gaps of a history as one, from the beginning of the first to the end of the last that is within the retention. */
export class Gaps {
  readonly #read
  readonly #save
  readonly #retentionMs: number
  #known: Gap | null = null

  constructor(database: Database, retentionMs: number) {
    this.#retentionMs = retentionMs
    this.#read = database.prepare<GapRow, []>(
      "SELECT gap_since AS since, gap_until AS until, gap_is_open AS isOpen, gap_reason AS reason FROM history",
    )
    this.#save = database.prepare<never, [number | null, number, boolean, string]>(
      "UPDATE history SET gap_since = ?, gap_until = ?, gap_is_open = ?, gap_reason = ?",
    )
    this.load()
  }

  /** Null if there is none. */
  get known(): Gap | null {
    return this.#known
  }

  /** Reads the gap again, after a transaction that changed it was rolled back. */
  load(): void {
    const { since = null, until = null, isOpen = 0, reason = null } = this.#read.get() ?? {}
    this.#known = until === null || reason === null ? null : { since, until, isOpen: isOpen === 1, reason }
  }

  add(gap: Gap): void {
    const known = joined(this.#known, gap, this.#retentionMs)
    this.#save.run(known.since, known.until, known.isOpen, known.reason)
    this.#known = known
  }

  close(): void {
    this.#read.finalize()
    this.#save.finalize()
  }
}

function joined(known: Gap | null, gap: Gap, retentionMs: number): Gap {
  const { isOpen, reason } = gap
  const isOver = known !== null && !known.isOpen && known.until < gap.until - retentionMs
  if (known === null || isOver) return { since: gap.since, until: gap.until, isOpen, reason }
  const since = known.since === null || gap.since === null ? null : Math.min(known.since, gap.since)
  return { since, until: Math.max(known.until, gap.until), isOpen, reason }
}

/** Returns what a gap means for an answer. Null if what may be missing is older than the retention. */
export function gapText(gap: Gap | null, retentionMs: number): string | null {
  if (gap === null || (!gap.isOpen && Date.now() - gap.until > retentionMs)) return null
  const { since, until, isOpen, reason } = gap
  const [from, to] = [since ?? until, until].map((at) => new Date(at).toISOString())
  if (since === null) return `what happened before ${to} may be missing, because ${reason}`
  if (isOpen) return `what happened from ${from} on may be missing, because ${reason}`
  return `what happened from ${from} to ${to} is missing in part, because ${reason}`
}
