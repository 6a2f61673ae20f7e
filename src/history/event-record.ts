import { type FactEvent, storedRoutingKey } from "./fact-event.ts"
import type { ReadPublished } from "./fact-line.ts"
import { SOURCE } from "./history-tables.ts"
import { storedBody } from "./stored-body.ts"

/** An event while facts are applied to it. */
export interface EventRecord {
  readonly seq: number
  readonly id: string
  at: number
  source: number
  type: string | null
  name: string | null
  routingKey: string | null
  orderingKey: string | null
  traceId: string | null
  causedBy: string | null
  /** Number of the set of queues that imply its deliveries; null if none are implied. */
  queueSet: number | null
  /** See `storedBody`. */
  body: string | null
}

/** Returns the record of an event of which nothing but an id is known. */
export const newRecord = (seq: number, id: string, at: number): EventRecord => ({
  seq,
  id,
  at,
  source: SOURCE.unknown,
  type: null,
  name: null,
  routingKey: null,
  orderingKey: null,
  traceId: null,
  causedBy: null,
  queueSet: null,
  body: null,
})

/** Notes what an event says of itself. A longer body is not kept. */
export function describe(
  record: EventRecord,
  { event, body, stored }: FactEvent,
  maxBodyLength: number,
): void {
  record.type = event.type
  record.name = event.name
  record.routingKey = storedRoutingKey(event)
  record.orderingKey = event.ordering_key ?? null
  record.body = body === null || body.length > maxBodyLength ? null : (stored ?? storedBody(body, event))
}

/** Notes the publication of an event. */
export function published(record: EventRecord, fact: ReadPublished, maxBodyLength: number): EventRecord {
  describe(record, fact, maxBodyLength)
  record.at = fact.at
  record.source = SOURCE.published
  record.traceId = fact.traceId
  record.causedBy = fact.causedBy
  return record
}
