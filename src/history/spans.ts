import type { Database } from "bun:sqlite"

/** Events after which a span ends. */
const SPAN_EVENTS = 1_000

/** Time after which a span ends, in milliseconds. It is how exactly the retention is kept. */
const SPAN_MS = 60_000

interface SpanRow {
  readonly first: number
  readonly last: number
  readonly begun_at: number
}

/** New events: their numbers, and the earliest and latest of their times. */
export interface Added {
  first: number
  last: number
  minAt: number
  maxAt: number
}

/** Returns new events with those of a range of numbers, which have one time. Changes `added`. */
export function extended(added: Added | null, first: number, last: number, at: number): Added {
  if (added === null) return { first, last, minAt: at, maxAt: at }
  added.first = Math.min(added.first, first)
  added.last = Math.max(added.last, last)
  added.minAt = Math.min(added.minAt, at)
  added.maxAt = Math.max(added.maxAt, at)
  return added
}

/** A range of events, both ends included. */
export interface Range {
  readonly first: number
  readonly last: number
}

/** The ranges of events by time. They grow at their end and are deleted from their beginning. */
export class Spans {
  readonly #newest
  readonly #oldest
  readonly #insert
  readonly #extend
  readonly #widen
  readonly #delete
  readonly #before
  readonly #after
  readonly #cut
  readonly #readRemoved
  readonly #saveRemoved
  #removedUntil: number | null = null

  constructor(database: Database) {
    const columns = "first, last, begun_at, known_at, min_at, max_at"
    this.#newest = database.prepare<SpanRow, []>(`SELECT ${columns} FROM spans ORDER BY first DESC LIMIT 1`)
    this.#oldest = database.prepare<Range & { readonly latest: number }, []>(
      "SELECT first, last, min(known_at, max_at) AS latest FROM spans ORDER BY first LIMIT 1",
    )
    this.#insert = database.prepare(`INSERT INTO spans (${columns}) VALUES (?, ?, ?, ?, ?, ?)`)
    this.#extend = database.prepare(
      "UPDATE spans SET last = ?, known_at = ?, min_at = min(min_at, ?), max_at = max(max_at, ?) WHERE first = ?",
    )
    this.#widen = database.prepare(
      "UPDATE spans SET min_at = min(min_at, ?) WHERE first = (SELECT max(first) FROM spans WHERE first <= ?)",
    )
    this.#readRemoved = database.prepare<{ removed_until: number | null }, []>(
      "SELECT removed_until FROM history",
    )
    this.#saveRemoved = database.prepare("UPDATE history SET removed_until = ?")
    this.#delete = database.prepare("DELETE FROM spans WHERE first = ?")
    this.#cut = database.prepare("UPDATE spans SET first = ? WHERE first = ?")
    this.#before = database.prepare<Range, [number, number, number]>(
      `SELECT first, last FROM spans WHERE first <= ? AND max_at >= ? AND min_at < ? ORDER BY first DESC LIMIT 1`,
    )
    this.#after = database.prepare<Range, [number, number, number]>(
      `SELECT first, last FROM spans
       WHERE first >= coalesce((SELECT max(first) FROM spans WHERE first <= ?1), 0) AND last >= ?1 AND max_at >= ?2 AND min_at < ?3
       ORDER BY first LIMIT 1`,
    )
  }

  /** Adds new events. @param now when they became known */
  add({ first, last, minAt, maxAt }: Added, now: number): void {
    const newest = this.#newest.get()
    const isOpen =
      newest !== null && newest.last - newest.first < SPAN_EVENTS && now - newest.begun_at < SPAN_MS
    if (isOpen) this.#extend.run(last, now, minAt, maxAt, newest.first)
    else this.#insert.run(first, last, now, now, minAt, maxAt)
  }

  /** Notes that an event is older than was known. */
  widen(event: number, at: number): void {
    this.#widen.run(at, event)
  }

  /**
   * Returns the oldest range with the time of its latest event, or null if there are no events. A time after the event
   * became known does not count, so that no clock that is ahead keeps an event.
   */
  oldest(): (Range & { readonly latest: number }) | null {
    return this.#oldest.get()
  }

  /** Publication time of the latest event that was removed, in milliseconds since the epoch; null if none was. */
  get removedUntil(): number | null {
    this.#removedUntil ??= this.#readRemoved.get()?.removed_until ?? null
    return this.#removedUntil
  }

  /** Removes events from the oldest range. @param last the last one that is removed */
  remove(range: Range & { readonly latest: number }, last: number): void {
    this.#removedUntil = Math.max(this.removedUntil ?? 0, range.latest)
    this.#saveRemoved.run(this.#removedUntil)
    if (last >= range.last) this.#delete.run(range.first)
    else this.#cut.run(last + 1, range.first)
  }

  /** Returns the newest range that begins at or before an event and may have events of a time. */
  before(seq: number, since: number, until: number): Range | null {
    return this.#before.get(seq, since, until)
  }

  /** Returns the oldest range that ends at or after an event and may have events of a time. */
  after(seq: number, since: number, until: number): Range | null {
    return this.#after.get(seq, since, until)
  }

  close(): void {
    for (const each of [
      this.#newest,
      this.#oldest,
      this.#insert,
      this.#extend,
      this.#widen,
      this.#delete,
      this.#before,
      this.#after,
      this.#cut,
      this.#readRemoved,
      this.#saveRemoved,
    ]) {
      each.finalize()
    }
  }
}
