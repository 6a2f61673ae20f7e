import type { Database } from "bun:sqlite"
import { defaultRoutingKey, isWithin, type RoutingSpace } from "../event/routing-space.ts"
import { type DeliveryState, STATE, STORED_STATES, statusOf, UNCONFIRMED } from "./delivery-state.ts"
import type {
  EventHistory,
  EventSummary,
  QueueHistory,
  QueueSummary,
  TimelineEntry,
  UnfinishedQueue,
} from "./history-query.ts"
import { SOURCE } from "./history-tables.ts"
import { wholeBody } from "./stored-body.ts"
import { readTimeline } from "./timeline.ts"

/** Most publications with one id that are looked at. */
const MAX_PUBLICATIONS = 1_000

/** Most ids of caused events in an answer. */
export const MAX_CAUSED = 100

/** The columns of an event that a summary shows. */
export interface EventRow {
  readonly seq: number
  readonly id: string
  readonly at: number
  readonly source: number
  readonly type: string | null
  readonly name: string | null
  readonly routing_key: string | null
  readonly ordering_key: string | null
  readonly trace_id: string | null
  readonly caused_by: string | null
}

interface DeliveryRow {
  readonly name: string
  readonly was_published: number
  readonly state: number
  readonly since: number
  readonly attempts: number
  readonly next_at: number | null
  readonly reason: string | null
  readonly timeline: string
}

export const SUMMARY_COLUMNS =
  "seq, events.id AS id, at, source, type, events.name AS name, routing_key, ordering_key, trace_id, caused_by"

/** Reads events by their id or key. */
export class EventView {
  readonly #withId
  readonly #body
  readonly #deliveries
  readonly #caused
  readonly #retrying
  readonly #oldestWaiting
  readonly #queues

  constructor(database: Database) {
    this.#withId = database.prepare<EventRow, [string, number]>(
      `SELECT ${SUMMARY_COLUMNS} FROM events WHERE id = ? ORDER BY seq DESC LIMIT ?`,
    )
    this.#body = database.prepare<{ body: string | null }, [number]>("SELECT body FROM events WHERE seq = ?")
    this.#deliveries = database.prepare<DeliveryRow, [number]>(
      `SELECT name, was_published, state, since, attempts, next_at, reason, timeline
       FROM all_deliveries JOIN queues ON id = queue WHERE event = ? ORDER BY name`,
    )
    this.#caused = database.prepare<EventRow, [string]>(
      `SELECT ${SUMMARY_COLUMNS} FROM events WHERE caused_by = ? ORDER BY seq`,
    )
    this.#queues = database.prepare<{ id: number; name: string }, []>(
      "SELECT id, name FROM queues ORDER BY name",
    )
    // SQLite uses a partial index only with its own condition.
    const unfinished = `deliveries INDEXED BY deliveries_unfinished WHERE state < ${STATE.handled} AND queue = ?`
    // Once its next attempt is due, an event is on its queue again.
    this.#retrying = database.prepare<{ count: number }, [number, number]>(
      `SELECT count(*) AS count FROM ${unfinished} AND state = ${STATE.retrying} AND next_at > ?`,
    )
    this.#oldestWaiting = database.prepare<{ since: number }, [number]>(
      `SELECT since FROM ${unfinished} AND state = ${STATE.waiting} AND reason IS NULL ORDER BY since LIMIT 1`,
    )
  }

  lookup(id: string, within: RoutingSpace | undefined): EventHistory | null {
    const publications = this.#withId.all(id, MAX_PUBLICATIONS).filter((each) => isVisible(each, within))
    const [row] = publications
    if (row === undefined) return null
    const caused: string[] = []
    for (const each of this.#caused.iterate(id)) {
      if (caused.length > MAX_CAUSED) break
      if (isVisible(each, within)) caused.push(each.id)
    }
    return {
      ...this.summaryOf(row),
      queues: this.#deliveries.all(row.seq).map((delivery) => queueHistory(row, delivery)),
      body: bodyOf(row, this.#body.get(row.seq)?.body ?? null),
      publications: publications.filter(({ source }) => source === SOURCE.published).length,
      caused: caused.slice(0, MAX_CAUSED),
      hasMoreCaused: caused.length > MAX_CAUSED,
    }
  }

  summaryOf(row: EventRow): EventSummary {
    const queues = this.#deliveries.all(row.seq).map(queueSummary)
    const areQueuesKnown = row.source !== SOURCE.unknown
    return {
      id: row.id,
      type: row.type,
      name: row.name,
      routingKey: routingKeyOf(row),
      orderingKey: row.ordering_key,
      publishedAt: row.source === SOURCE.published ? row.at : null,
      causedBy: row.caused_by,
      traceId: row.trace_id,
      status: statusOf(queues, areQueuesKnown),
      areQueuesKnown,
      queues,
    }
  }

  unfinished(): readonly UnfinishedQueue[] {
    const now = Date.now()
    return this.#queues
      .all()
      .map(({ id, name }) => ({
        queue: name,
        retrying: this.#retrying.get(id, now)?.count ?? 0,
        oldestWaitingAt: this.#oldestWaiting.get(id)?.since ?? null,
      }))
      .filter(({ retrying, oldestWaitingAt }) => retrying > 0 || oldestWaitingAt !== null)
  }

  close(): void {
    for (const each of [
      this.#withId,
      this.#body,
      this.#deliveries,
      this.#caused,
      this.#retrying,
      this.#oldestWaiting,
      this.#queues,
    ]) {
      each.finalize()
    }
  }
}

/** Returns an event as JSON; null if nothing of it is stored. */
export function bodyOf(row: EventRow, stored: string | null): string | null {
  if (stored === null) return null
  return wholeBody(stored, { ...row, routingKey: routingKeyOf(row), orderingKey: row.ordering_key })
}

function routingKeyOf({ routing_key, type, name }: EventRow): string | null {
  if (routing_key !== null) return routing_key
  return type === null || name === null ? null : defaultRoutingKey(type, name)
}

function isVisible(row: EventRow, within: RoutingSpace | undefined): boolean {
  if (within === undefined) return true
  const key = routingKeyOf(row)
  return key !== null && isWithin(within, key)
}

const isUnconfirmed = ({ state, reason }: DeliveryRow): boolean =>
  state === STATE.waiting && reason === UNCONFIRMED

const stateOf = (row: DeliveryRow): DeliveryState =>
  isUnconfirmed(row) ? "unknown" : (STORED_STATES[row.state] ?? "waiting")

const queueSummary = (row: DeliveryRow): QueueSummary => ({
  queue: row.name,
  state: stateOf(row),
  since: row.since,
  attempts: row.attempts,
  reason: isUnconfirmed(row) ? null : row.reason,
  nextAt: row.next_at,
  hasBegun: row.timeline !== "",
})

function queueHistory({ at, source }: EventRow, delivery: DeliveryRow): QueueHistory {
  const { entries, omitted } = readTimeline(delivery.timeline)
  const isPublished = source === SOURCE.published && delivery.was_published === 1
  const published: readonly TimelineEntry[] = isPublished ? [{ kind: "published", at }] : []
  return { ...queueSummary(delivery), timeline: [...published, ...entries], omitted }
}
