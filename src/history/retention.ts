import type { Database } from "bun:sqlite"
import { logPages, PAGE_BYTES } from "./history-tables.ts"
import type { Range, Spans } from "./spans.ts"

/** Bounds of a history. */
export interface HistoryLimits {
  /** How long an event is kept, in milliseconds. */
  readonly retentionMs: number
  /** Largest size of the file with its log, in bytes. */
  readonly maxBytes: number
}

/** Most events that a step deletes. */
const STEP_EVENTS = 5_000

/** Pages returned to the file system in a step: some milliseconds. */
const VACUUM_PAGES = 256

/** How often the log can be as long as it is before a checkpoint: one waits, and one transaction adds another. */
const LOG_LENGTHS = 2

/** Deletes the oldest events of a history. */
export class Retention {
  readonly #database: Database
  readonly #spans: Spans
  readonly #retentionMs: number
  /** Most pages of the database file. */
  readonly #maxPages: number
  /** Pages in use above which events are deleted; the next transaction adds about a log's length. */
  readonly #fullPages: number
  readonly #pages
  readonly #freePages
  readonly #vacuum
  readonly #deleteEvents
  readonly #deleteDeliveries

  constructor(database: Database, spans: Spans, { retentionMs, maxBytes }: HistoryLimits) {
    this.#database = database
    this.#spans = spans
    this.#retentionMs = retentionMs
    const log = logPages(maxBytes)
    this.#maxPages = Math.max(1, Math.floor(maxBytes / PAGE_BYTES) - LOG_LENGTHS * log)
    this.#fullPages = this.#maxPages - log
    this.#pages = database.prepare<{ page_count: number }, []>("PRAGMA page_count")
    this.#freePages = database.prepare<{ freelist_count: number }, []>("PRAGMA freelist_count")
    this.#vacuum = database.prepare(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`)
    this.#deleteEvents = database.prepare("DELETE FROM events WHERE seq BETWEEN ? AND ?")
    this.#deleteDeliveries = database.prepare("DELETE FROM deliveries WHERE event BETWEEN ? AND ?")
  }

  /** Takes one step towards the bounds. Returns true if more is left to do. */
  step(now: number): boolean {
    const range = this.#spans.oldest()
    if (range !== null && (range.latest < now - this.#retentionMs || this.#isFull())) {
      this.#remove(range)
      return true
    }
    const pages = this.#pageCount
    if (pages <= this.#maxPages) return false
    this.#vacuum.all()
    return this.#pageCount < pages
  }

  close(): void {
    for (const each of [
      this.#pages,
      this.#freePages,
      this.#vacuum,
      this.#deleteEvents,
      this.#deleteDeliveries,
    ]) {
      each.finalize()
    }
  }

  get #pageCount(): number {
    return this.#pages.get()?.page_count ?? 0
  }

  get #freeCount(): number {
    return this.#freePages.get()?.freelist_count ?? 0
  }

  #isFull(): boolean {
    return this.#pageCount - this.#freeCount > this.#fullPages
  }

  #remove(range: Range & { readonly latest: number }): void {
    const last = Math.min(range.last, range.first + STEP_EVENTS - 1)
    // Nothing is lost if the machine stops before this is on the disk: it is deleted again.
    this.#database.run("PRAGMA synchronous = NORMAL")
    try {
      this.#database
        .transaction(() => {
          this.#deleteEvents.run(range.first, last)
          this.#deleteDeliveries.run(range.first, last)
          this.#spans.remove(range, last)
        })
        .deferred()
    } finally {
      this.#database.run("PRAGMA synchronous = FULL")
    }
  }
}
