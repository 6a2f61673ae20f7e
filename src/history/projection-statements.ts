import type { Database } from "bun:sqlite"
import type { DeliveryRecord, DeliveryRow } from "./delivery-record.ts"
import { STATE, UNCONFIRMED } from "./delivery-state.ts"
import type { EventRecord } from "./event-record.ts"

/** The columns of an event that its facts are applied to. */
export interface KnownEventRow {
  readonly seq: number
  readonly at: number
  readonly source: number
}

/** An event with its delivery on one queue. */
export interface EventOnQueue extends KnownEventRow, Pick<DeliveryRow, "state" | "attempt"> {}

/** A delivery with the number of its event. */
export interface StoredDelivery extends DeliveryRow {
  readonly event: number
}

/** Most events with one id that a fact is matched against: a client may give every event the same. */
const MAX_SAME_ID = 16

type Value = string | number | null

/** A statement takes time, and so does each value: rows of one statement cost a third less. */
const EVENTS_PER_GROUP = 16

const VALUES_PER_EVENT = 12

const EVENT_ROW = `(${Array(VALUES_PER_EVENT).fill("?").join(", ")})`

const EVENT_COLUMNS =
  "at, source, type, name, routing_key, ordering_key, trace_id, caused_by, queue_set, body"

const DELIVERY_COLUMNS =
  "event, queue, was_published, state, since, attempt, attempts, next_at, reason, timeline"

/** The statements that apply facts. */
export class ProjectionStatements {
  readonly #some
  readonly #latest
  readonly #delivery
  readonly #unfinished
  readonly #dead
  readonly #event
  readonly #eventGroup
  readonly #adopt
  readonly #newDelivery
  readonly #replaceDelivery
  readonly #finishImplied
  readonly #finishDelivery
  readonly #insertImplied
  readonly #insertImpliedOn
  readonly #doubt
  readonly #deleteDeliveries
  readonly #deleteEvent
  /** Values of the events that are stored together, in the order of the columns. */
  #later: Value[] = []

  constructor(database: Database) {
    this.#some = database.prepare<KnownEventRow, [string]>(
      "SELECT seq, at, source FROM events WHERE id = ? LIMIT 2",
    )
    this.#latest = database.prepare<KnownEventRow, [string, number]>(
      "SELECT seq, at, source FROM events WHERE id = ? ORDER BY seq DESC LIMIT ?",
    )
    this.#delivery = database.prepare<DeliveryRow, [number, number]>(
      `SELECT ${DELIVERY_COLUMNS} FROM all_deliveries WHERE event = ? AND queue = ?`,
    )
    this.#unfinished = database.prepare<StoredDelivery, [number, number]>(
      `SELECT ${DELIVERY_COLUMNS} FROM deliveries WHERE queue = ? AND state < ${STATE.handled} LIMIT ?`,
    )
    this.#dead = database.prepare<StoredDelivery, [number, number, number]>(
      `SELECT ${DELIVERY_COLUMNS} FROM deliveries INDEXED BY deliveries_failed
       WHERE queue = ? AND state > ${STATE.handled} AND state <> ${STATE.cancelled} AND event > ? ORDER BY event LIMIT ?`,
    )
    const insertEvents = (rows: number) =>
      database.prepare<never, Value[]>(
        `INSERT INTO events (seq, id, ${EVENT_COLUMNS}) VALUES ${Array(rows).fill(EVENT_ROW).join(", ")}`,
      )
    this.#event = insertEvents(1)
    this.#eventGroup = insertEvents(EVENTS_PER_GROUP)
    this.#adopt = database.prepare(
      `UPDATE events SET (${EVENT_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE seq = ?`,
    )
    this.#finishImplied = database.prepare(
      // A row that is there, or no event, changes nothing. Takes a tenth of the time of INSERT ... SELECT.
      `INSERT OR IGNORE INTO deliveries (event, queue, was_published, state, since, attempt, attempts, timeline)
       VALUES ((
         SELECT CASE WHEN count(*) = 1
           AND EXISTS (SELECT 1 FROM queue_sets WHERE id = queue_set AND queue = ?1) THEN seq END
         FROM (SELECT seq, queue_set FROM events WHERE id = ?6 LIMIT 2)
       ), ?1, 1, ?2, ?3, ?4, 1, ?5)`,
    )
    this.#finishDelivery = database.prepare(
      `UPDATE deliveries SET state = ?, since = ?, attempt = ?, attempts = 1, timeline = ?
       WHERE event = (SELECT CASE WHEN count(*) = 1 THEN seq END FROM (SELECT seq FROM events WHERE id = ? LIMIT 2))
         AND queue = ? AND state = ${STATE.waiting} AND timeline = '' AND reason IS NULL`,
    )
    this.#doubt = database.prepare(
      `UPDATE deliveries SET reason = '${UNCONFIRMED}' WHERE event = ? AND state = ${STATE.waiting} AND timeline = ''`,
    )
    this.#deleteDeliveries = database.prepare("DELETE FROM deliveries WHERE event = ?")
    this.#deleteEvent = database.prepare("DELETE FROM events WHERE seq = ?")
    this.#newDelivery = database.prepare(
      "INSERT INTO deliveries (event, queue, was_published, state, since, attempt, attempts, timeline) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    const insertImplied = (where: string) =>
      database.prepare<never, [number]>(
        `INSERT INTO deliveries (${DELIVERY_COLUMNS})
         SELECT ${DELIVERY_COLUMNS} FROM all_deliveries WHERE ${where} ON CONFLICT DO NOTHING`,
      )
    this.#insertImplied = insertImplied("event = ?")
    this.#insertImpliedOn = insertImplied("queue = ?")
    this.#replaceDelivery = database.prepare(
      `INSERT OR REPLACE INTO deliveries (${DELIVERY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
  }

  /** Returns the newest event with an id. */
  newest(id: string): KnownEventRow | null {
    // Nearly every id has one event, and a walk from the newest one takes six times as long.
    const [only = null, other] = this.#some.all(id)
    return other === undefined ? only : this.#latest.get(id, 1)
  }

  /** Returns how many events with an id are stored: 0, 1, or 2 if there are more. */
  count(id: string): number {
    return this.#some.all(id).length
  }

  /** Returns the latest events with an id, as far as the queue has them, the oldest first. */
  latestOn(id: string, queue: number): readonly EventOnQueue[] {
    // Joined in SQL, the view of all deliveries would be read as a whole.
    const events = this.#latest.all(id, MAX_SAME_ID).reverse()
    return events.flatMap((event) => {
      const delivery = this.delivery(event.seq, queue)
      return delivery === null ? [] : [{ ...event, state: delivery.state, attempt: delivery.attempt }]
    })
  }

  delivery(event: number, queue: number): DeliveryRow | null {
    return this.#delivery.get(event, queue)
  }

  /** Stores an event together with others: at once, or when `insertLaterEvents` is called. */
  insertEventLater(record: EventRecord): void {
    const values = this.#later
    values.push(record.seq, record.id)
    pushColumns(values, record)
    if (values.length < EVENTS_PER_GROUP * VALUES_PER_EVENT) return
    this.#eventGroup.run(...values)
    this.#later = []
  }

  insertLaterEvents(): void {
    const values = this.#later
    for (let from = 0; from < values.length; from += VALUES_PER_EVENT) {
      this.#event.run(...values.slice(from, from + VALUES_PER_EVENT))
    }
    this.#later = []
  }

  /** Forgets the events that are not stored yet. */
  forgetLaterEvents(): void {
    this.#later = []
  }

  /** Completes a stored event, of which only later facts were known. */
  updateEvent(record: EventRecord): void {
    const values: Value[] = []
    pushColumns(values, record)
    this.#adopt.run(...values, record.seq)
  }

  /** Deletes an event with everything of it. */
  deleteEvent(seq: number): void {
    this.#deleteDeliveries.run(seq)
    this.#deleteEvent.run(seq)
  }

  /** Gives all deliveries on a queue rows that events imply. Reads all events. */
  insertImpliedOn(queue: number): void {
    this.#insertImpliedOn.run(queue)
  }

  /** Returns some of the unfinished deliveries of a queue that have rows. */
  unfinishedOn(queue: number, limit: number): StoredDelivery[] {
    return this.#unfinished.all(queue, limit)
  }

  /** Returns the dead letters of a queue, in order of their events. */
  deadOn(queue: number, afterEvent: number, limit: number): StoredDelivery[] {
    return this.#dead.all(queue, afterEvent, limit)
  }

  /** @param isNew whether the event itself was not stored before */
  writeDelivery(event: number, record: DeliveryRecord, isNew: boolean): void {
    const { queue, state, since, attempt, attempts, nextAt, reason, timeline } = record
    const wasPublished = record.wasPublished ? 1 : 0
    if (isNew && nextAt === null && reason === null) {
      this.#newDelivery.run(event, queue, wasPublished, state, since, attempt, attempts, timeline)
    } else {
      this.#replaceDelivery.run(
        event,
        queue,
        wasPublished,
        state,
        since,
        attempt,
        attempts,
        nextAt,
        reason,
        timeline,
      )
    }
  }

  /**
   * Stores the first run of an event, if it is the only one with its id, implies the queue, and nothing has happened to it
   * there. Returns false if it is not so.
   */
  finishImplied(id: string, { queue, state, since, attempt, timeline }: DeliveryRecord): boolean {
    return this.#finishImplied.run(queue, state, since, attempt, timeline, id).changes === 1
  }

  /** As `finishImplied`, for a delivery with a row. */
  finishDelivery(id: string, { queue, state, since, attempt, timeline }: DeliveryRecord): boolean {
    return this.#finishDelivery.run(state, since, attempt, timeline, id, queue).changes === 1
  }

  /** Notes on the queues where nothing has happened to an event yet that the outcome of its publish is unknown. */
  doubt(event: number): void {
    this.#insertImplied.run(event)
    this.#doubt.run(event)
  }

  close(): void {
    for (const each of [
      this.#some,
      this.#latest,
      this.#delivery,
      this.#unfinished,
      this.#dead,
      this.#event,
      this.#eventGroup,
      this.#adopt,
      this.#newDelivery,
      this.#replaceDelivery,
      this.#finishImplied,
      this.#finishDelivery,
      this.#insertImplied,
      this.#insertImpliedOn,
      this.#doubt,
      this.#deleteDeliveries,
      this.#deleteEvent,
    ]) {
      each.finalize()
    }
  }
}

/** Adds the values of `EVENT_COLUMNS`. */
function pushColumns(values: Value[], record: EventRecord): void {
  values.push(
    record.at,
    record.source,
    record.type,
    record.name,
    record.routingKey,
    record.orderingKey,
    record.traceId,
    record.causedBy,
    record.queueSet,
    record.body,
  )
}
