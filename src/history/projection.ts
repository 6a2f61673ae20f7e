import type { Database } from "bun:sqlite"
import type { FactBatch } from "../event/history-fact.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import { AppliedTokens } from "./applied-tokens.ts"
import { EventView } from "./event-view.ts"
import { type ReadAttempt, readFact } from "./fact-line.ts"
import { Fold } from "./fold.ts"
import { type Gap, Gaps } from "./gaps.ts"
import { isDamage } from "./history-file.ts"
import type {
  EventFilter,
  EventHistory,
  EventSummary,
  HistoryQueries,
  ListRequest,
  Page,
  SelectedEvent,
  UnfinishedQueue,
} from "./history-query.ts"
import { type OpenTables, openTables } from "./history-tables.ts"
import { type HistoryLimits, Retention } from "./retention.ts"
import { Search } from "./search.ts"
import { Spans } from "./spans.ts"
import { StoredCopies } from "./stored-copies.ts"

/** Counts of what was applied. */
export interface Applied {
  /** Lines that were skipped, because they are no facts or tell of too many queues. */
  readonly skipped: number
  /** Batches that had been applied before. */
  readonly repeated: number
}

/** Longest body, as a part of the bound of the file. */
const MAX_BODY_PART = 16

const LINE_BREAK = "\n"

const UNREADABLE = "a part of it was damaged, or can't be read"

/**
 * A history in a SQLite file: the facts, brought together by event, and searchable. Every call is synchronous. Use it in
 * a thread of its own, and from one connection at a time.
 */
export class Projection implements HistoryQueries, Disposable {
  /** True if the file was created. */
  readonly isNew: boolean
  readonly #database: Database
  readonly #copies: StoredCopies | null
  readonly #fold: Fold
  readonly #tokens: AppliedTokens
  readonly #spans: Spans
  readonly #retention: Retention
  readonly #gaps: Gaps
  readonly #view: EventView
  readonly #search: Search
  readonly #savePosition
  #position: string | null

  /**
   * Opens the file of a history, or creates it.
   * @param storeFile the embedded engine's store with the events that facts refer to; null if they refer to none
   * @throws {ForeignFileError} if another program or another version wrote the file, and what SQLite throws; another error
   * if the store can't be opened
   */
  static open(file: string, limits: HistoryLimits, storeFile: string | null = null): Projection {
    const tables = openTables(file, limits.maxBytes)
    try {
      return new Projection(tables, limits, storeFile)
    } catch (error) {
      tables.database.close()
      throw error
    }
  }

  private constructor({ database, isNew }: OpenTables, limits: HistoryLimits, storeFile: string | null) {
    this.#database = database
    this.isNew = isNew
    this.#spans = new Spans(database)
    const maxBodyLength = limits.maxBytes / MAX_BODY_PART
    this.#copies = storeFile === null ? null : new StoredCopies(database, storeFile, maxBodyLength)
    this.#fold = new Fold(database, this.#spans, maxBodyLength, this.#copies)
    this.#tokens = new AppliedTokens(database)
    this.#retention = new Retention(database, this.#spans, limits)
    this.#gaps = new Gaps(database, limits.retentionMs)
    this.#view = new EventView(database)
    this.#search = new Search(database, this.#spans, this.#view)
    this.#savePosition = database.prepare("UPDATE history SET position = ?, next_seq = ?")
    const row = database.query<{ position: string | null }, []>("SELECT position FROM history").get()
    this.#position = row?.position ?? null
  }

  /** Position of the latest batch that was applied; null if there was none. */
  get position(): string | null {
    return this.#position
  }

  /** The time of which something is missing; null if nothing is known to be. */
  get gap(): Gap | null {
    return this.#gaps.known
  }

  /** Notes that something is missing. @throws what SQLite throws */
  addGap(gap: Gap): void {
    this.#gaps.add(gap)
  }

  /**
   * Applies batches in one transaction, except those that were applied before. What is applied is on the disk when this
   * returns.
   * @param now milliseconds since the epoch
   * @throws what SQLite throws; nothing is applied then
   */
  apply(batches: readonly FactBatch[], now: number): Applied {
    try {
      return this.#apply(batches, now, true)
    } catch (error) {
      if (this.#copies === null || !isDamage(error)) throw error
      // Perhaps of the store, whose other events are read apart.
      return this.#apply(batches, now, false)
    }
  }

  lookup(id: string, within?: RoutingSpace): EventHistory | null {
    return this.#view.lookup(id, within)
  }

  list(request: ListRequest): Page<EventSummary> {
    return this.#search.list(request)
  }

  select(filter: EventFilter, limit: number, cursor?: string): Page<SelectedEvent> {
    return this.#search.select(filter, limit, cursor)
  }

  unfinished(): readonly UnfinishedQueue[] {
    return this.#view.unfinished()
  }

  /**
   * Takes one step of deleting the oldest events, some milliseconds long, if a bound requires it. Returns true if more is
   * left to do.
   * @param now milliseconds since the epoch
   */
  retain(now: number): boolean {
    return this.#retention.step(now)
  }

  /**
   * Copies the log into the file, so that it contains everything.
   * @throws what SQLite throws
   */
  checkpoint(): void {
    this.#database.run("PRAGMA main.wal_checkpoint(TRUNCATE)")
  }

  close(): void {
    this.#savePosition.finalize()
    this.#fold.close()
    this.#copies?.close()
    this.#tokens.close()
    this.#spans.close()
    this.#retention.close()
    this.#gaps.close()
    this.#view.close()
    this.#search.close()
    this.#database.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @param mayCopy false if a part of the store is damaged */
  #apply(batches: readonly FactBatch[], now: number, mayCopy: boolean): Applied {
    let skipped = 0
    let repeated = 0
    let position = this.#position
    try {
      this.#database
        .transaction(() => {
          for (const batch of batches) {
            position = batch.position
            if (this.#tokens.add(batch.token)) skipped += this.#take(batch, mayCopy)
            else repeated++
          }
          this.#tokens.forgetOld()
          if (skipped > 0) this.#gaps.add({ since: null, until: now, isOpen: false, reason: UNREADABLE })
          const added = this.#fold.store()
          if (added !== null) this.#spans.add(added, now)
          this.#savePosition.run(position, this.#fold.nextSeq)
        })
        // As its first statement asks for it: the store is only read.
        .deferred()
    } catch (error) {
      this.#fold.reset()
      this.#gaps.load()
      throw error
    }
    this.#position = position
    return { skipped, repeated }
  }

  /** Returns the number of runs that were skipped. */
  #takeAll(attempts: readonly ReadAttempt[]): number {
    let skipped = 0
    for (const each of attempts) if (!this.#fold.take(each)) skipped++
    return skipped
  }

  /** Returns the number of lines that were skipped. */
  #take({ text, isOwn }: FactBatch, mayCopy: boolean): number {
    let skipped = 0
    for (const line of text.split(LINE_BREAK)) {
      if (line === "") continue
      const fact = readFact(line, isOwn)
      if (fact === null) skipped++
      else if (fact.fact === "stored") skipped += this.#fold.takeStored(fact, mayCopy)
      else if (fact.fact === "gap") this.#gaps.add(fact)
      else if (fact.fact === "handled") skipped += this.#takeAll(fact.attempts)
      else if (!this.#fold.take(fact)) skipped++
    }
    return skipped
  }
}
