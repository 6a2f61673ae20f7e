import type { Database, SQLQueryBindings } from "bun:sqlite"
import { cursorText, readCursor } from "./cursor.ts"
import { STATE } from "./delivery-state.ts"
import { bodyOf, type EventRow, type EventView, SUMMARY_COLUMNS } from "./event-view.ts"
import { type Condition, conditionOf, type Driver, driverOf } from "./filter-sql.ts"
import type { EventFilter, EventSummary, ListRequest, Page, SelectedEvent } from "./history-query.ts"
import type { Range, Spans } from "./spans.ts"

/** Events that are looked at between two looks at the clock; fewer if their bodies are read. */
const WINDOW_EVENTS = 1_000
const WINDOW_BODIES = 100

/** Time after which a page ends, in milliseconds. Facts and other queries wait meanwhile. */
const PAGE_MS = 50

/** Total length of bodies after which a page ends, in UTF-16 code units. */
const PAGE_LENGTH = 1_048_576

interface Row extends EventRow {
  /** Only in a selection. */
  readonly body: string | null
}

interface Walk {
  readonly filter: EventFilter
  readonly limit: number
  readonly cursor: string | undefined
  readonly isNewestFirst: boolean
  readonly readsBodies: boolean
}

/** Lists events in the order in which they became known, in pages that take bounded time. */
export class Search {
  readonly #database: Database
  readonly #spans: Spans
  readonly #view: EventView
  readonly #fileId: string
  readonly #placeBefore
  readonly #nextSeq
  readonly #timeOf

  constructor(database: Database, spans: Spans, view: EventView) {
    this.#database = database
    this.#spans = spans
    this.#view = view
    const row = database.query<{ file_id: string }, []>("SELECT file_id FROM history").get()
    this.#fileId = row?.file_id ?? ""
    this.#nextSeq = database.prepare<{ next_seq: number }, []>("SELECT next_seq FROM history")
    this.#placeBefore = database.prepare<{ seq: number | null }, [number, number, number]>(
      "SELECT max(seq) AS seq FROM events WHERE seq BETWEEN ? AND ? AND at <= ?",
    )
    this.#timeOf = database.prepare<{ at: number }, [number]>("SELECT at FROM events WHERE seq = ?")
  }

  list(request: ListRequest): Page<EventSummary> {
    const { limit, cursor, newestFirst = true } = request
    const walk = { filter: request, limit, cursor, isNewestFirst: newestFirst, readsBodies: false }
    return this.#walk(walk, (row) => this.#view.summaryOf(row))
  }

  select(filter: EventFilter, limit: number, cursor: string | undefined): Page<SelectedEvent> {
    const walk = { filter, limit, cursor, isNewestFirst: false, readsBodies: true }
    return this.#walk(walk, (row) => ({ id: row.id, body: bodyOf(row, row.body) ?? "" }))
  }

  close(): void {
    this.#placeBefore.finalize()
    this.#nextSeq.finalize()
    this.#timeOf.finalize()
  }

  #walk<Item>(walk: Walk, toItem: (row: Row) => Item): Page<Item> {
    const { filter, limit, isNewestFirst } = walk
    const deadline = performance.now() + PAGE_MS
    const condition = conditionOf(filter)
    using rows = this.#prepare(walk, condition)
    const items: Item[] = []
    const isFailed = driverOf(filter) === "failed"
    let length = 0
    let from = this.#start(walk)
    while (true) {
      const window = this.#window(walk, from)
      if (window === null) return { items, cursor: null }
      const ends = [window.first, window.last]
      for (const row of rows.iterate(...condition.values, ...ends, ...(isFailed ? ends : []))) {
        items.push(toItem(row))
        length += row.body?.length ?? 0
        if (items.length >= limit || length >= PAGE_LENGTH)
          return { items, cursor: this.#cursor(row.seq, row.at) }
      }
      const end = isNewestFirst ? window.first : window.last
      if (performance.now() >= deadline)
        return { items, cursor: this.#cursor(end, this.#timeOf.get(end)?.at ?? 0) }
      from = isNewestFirst ? end - 1 : end + 1
    }
  }

  #prepare({ filter, isNewestFirst, readsBodies }: Walk, { sql }: Condition) {
    const columns = `${SUMMARY_COLUMNS}, ${readsBodies ? "body" : "NULL AS body"}`
    const hasBody = readsBodies ? "AND body IS NOT NULL" : ""
    const failed = driverOf(filter) === "failed" ? `AND seq IN (${FAILED} AND event BETWEEN ? AND ?)` : ""
    const order = isNewestFirst ? "DESC" : "ASC"
    return this.#database.prepare<Row, SQLQueryBindings[]>(
      `SELECT ${columns} FROM events
       WHERE ${sql} AND seq BETWEEN ? AND ? ${hasBody} ${failed} ORDER BY seq ${order}`,
    )
  }

  /** Returns the first number to look at. */
  #start({ cursor, isNewestFirst }: Walk): number {
    const step = isNewestFirst ? -1 : 1
    if (cursor === undefined) return isNewestFirst ? this.#newest : 0
    const { fileId, seq, at } = readCursor(cursor)
    return (fileId === this.#fileId ? seq : this.#placeOf(at)) + step
  }

  get #newest(): number {
    return (this.#nextSeq.get()?.next_seq ?? 1) - 1
  }

  /** Returns the last event that became known at or before a time; 0 if there is none. */
  #placeOf(at: number): number {
    const span = this.#spans.before(this.#newest, 0, at + 1)
    return span === null ? 0 : (this.#placeBefore.get(span.first, span.last, at)?.seq ?? 0)
  }

  /** Returns the next range to look at, which begins at a number or behind it; null if nothing is left. */
  #window({ filter, isNewestFirst, readsBodies }: Walk, from: number): Range | null {
    const size = readsBodies || filter.text !== undefined ? WINDOW_BODIES : WINDOW_EVENTS
    const driver = driverOf(filter)
    if (driver !== null) return this.#drivenWindow(filter, driver, from, isNewestFirst, size)
    const { since = 0, until = Number.MAX_SAFE_INTEGER } = filter
    const span = isNewestFirst
      ? this.#spans.before(from, since, until)
      : this.#spans.after(from, since, until)
    if (span === null) return null
    if (isNewestFirst) {
      const last = Math.min(span.last, from)
      return { first: Math.max(span.first, last - size + 1), last }
    }
    const first = Math.max(span.first, from)
    return { first, last: Math.min(span.last, first + size - 1) }
  }

  /** Returns the range of the next events that an index finds. */
  #drivenWindow(
    filter: EventFilter,
    driver: Exclude<Driver, null>,
    from: number,
    isNewestFirst: boolean,
    size: number,
  ): Range | null {
    const [seq, compared, order] = [
      driver === "failed" ? "event" : "seq",
      isNewestFirst ? "<=" : ">=",
      isNewestFirst ? "DESC" : "ASC",
    ]
    const table = driver === "failed" ? `(${FAILED})` : "events"
    const value = {
      caused_by: filter.causedBy,
      trace_id: filter.trace,
      ordering_key: filter.orderingKey,
      failed: undefined,
    }[driver]
    const equals = value === undefined ? "TRUE OR ?" : `${driver} = ?`
    using found = this.#database.prepare<{ first: number | null; last: number | null }, SQLQueryBindings[]>(
      `SELECT min(found) AS first, max(found) AS last FROM (
         SELECT ${seq} AS found FROM ${table} WHERE (${equals}) AND ${seq} ${compared} ? ORDER BY ${seq} ${order} LIMIT ?)`,
    )
    const { first, last } = found.get(value ?? null, from, size) ?? { first: null, last: null }
    return first === null || last === null ? null : { first, last }
  }

  #cursor(seq: number, at: number): string {
    return cursorText({ fileId: this.#fileId, seq, at })
  }
}

const FAILED = `SELECT event FROM deliveries INDEXED BY deliveries_failed WHERE state > ${STATE.handled}`
