import type { Database } from "bun:sqlite"

/** Stored batches that the follower may not have taken yet: one, or several that follow each other. */
export interface FactRow {
  /** Number of the last batch. */
  readonly seq: number
  readonly batches: number
  /** With the events that they refer to, in bytes. */
  readonly length: number
  /** Number of the last event that they refer to, or any later one; 0 if they refer to none. */
  readonly lastEvent: number
  /** Events that are deleted with them. */
  readonly held: readonly number[]
}

/** A row while later ones can still be added to it. */
interface OpenRow extends Record<"seq" | "batches" | "length" | "lastEvent", number> {
  readonly held: number[]
}

interface StoredRow {
  readonly seq: number
  readonly length: number
  readonly held: string | null
}

/** Number of entries above which further batches share one, until it has this length in bytes. */
const MAX_SINGLE = 1_000
const SHARED_LENGTH = 262_144

/** Returns the events that a row holds as they are stored; null if it holds none. */
export const encodeHeld = (held: readonly number[]): string | null =>
  held.length === 0 ? null : held.join(",")

const decodeHeld = (held: string | null): number[] => (held === null ? [] : held.split(",").map(Number))

/** The stored batches in memory, the oldest first. They take little of it, however many wait for the follower. */
export class FactRows {
  readonly #rows: OpenRow[] = []
  #length = 0

  /** Reads the stored batches. @param newestEvent number of the newest event in the store */
  static read(database: Database, newestEvent: number): FactRows {
    const rows = new FactRows()
    using query = database.prepare<StoredRow, []>("SELECT seq, length, held FROM facts ORDER BY seq")
    for (const { seq, length, held } of query.iterate()) {
      rows.add({ seq, batches: 1, length, lastEvent: 0, held: decodeHeld(held) })
    }
    const last = rows.#rows.at(-1)
    // Which events the texts refer to is not stored: until the last of these batches is taken, it may be any.
    if (last !== undefined) last.lastEvent = newestEvent
    return rows
  }

  /** Bytes of all batches. */
  get length(): number {
    return this.#length
  }

  /** The entries: batches one by one, or several together. */
  get all(): readonly FactRow[] {
    return this.#rows
  }

  get newest(): number {
    return this.#rows.at(-1)?.seq ?? 0
  }

  add(row: FactRow): void {
    const { seq, batches, length, lastEvent, held } = row
    this.#length += length
    const last = this.#rows.at(-1)
    if (last === undefined || this.#rows.length < MAX_SINGLE || last.length + length > SHARED_LENGTH) {
      this.#rows.push({ seq, batches, length, lastEvent, held: [...held] })
      return
    }
    last.seq = seq
    last.batches += batches
    last.length += length
    last.lastEvent = Math.max(last.lastEvent, lastEvent)
    for (const event of held) last.held.push(event)
  }

  /** Forgets the oldest entries. */
  drop(count: number): void {
    for (const { length } of this.#rows.splice(0, count)) this.#length -= length
  }
}
