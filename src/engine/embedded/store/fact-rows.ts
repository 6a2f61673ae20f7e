import type { Database } from "bun:sqlite"

/** A stored batch that the follower may not have taken yet. */
export interface FactRow {
  readonly seq: number
  /** With the events that it refers to, in characters. */
  readonly length: number
  /** Number of the last event that it refers to, or any later one; 0 if it refers to none. */
  readonly lastEvent: number
  /** Events that are deleted with it. */
  readonly held: readonly number[]
}

interface StoredRow {
  readonly seq: number
  readonly length: number
  readonly held: string | null
}

/** Returns the events that a row holds as they are stored; null if it holds none. */
export const encodeHeld = (held: readonly number[]): string | null =>
  held.length === 0 ? null : held.join(",")

/** Reads the stored batches. @param newestEvent number of the newest event in the store */
export function readRows(database: Database, newestEvent: number): FactRow[] {
  using query = database.prepare<StoredRow, []>("SELECT seq, length, held FROM facts ORDER BY seq")
  const rows = query.all()
  return rows.map(({ seq, length, held }, index) => ({
    seq,
    length,
    // Which events the text refers to is not stored: until the last of these batches is taken, it may be any.
    lastEvent: index === rows.length - 1 ? newestEvent : 0,
    held: held === null ? [] : held.split(",").map(Number),
  }))
}
