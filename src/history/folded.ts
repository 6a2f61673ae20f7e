import type { DeliveryRecord } from "./delivery-record.ts"
import { type EventRecord, newRecord } from "./event-record.ts"
import type { KnownEventRow } from "./projection-statements.ts"

/** An event with the deliveries that facts were applied to. */
export interface Folded {
  readonly record: EventRecord
  /** False if the event is stored already. */
  readonly isNew: boolean
  isChanged: boolean
  readonly deliveries: DeliveryRecord[]
}

/** Returns an event of which nothing but an id is known, before facts are applied to it. */
export const newFolded = (seq: number, id: string, at: number): Folded => ({
  record: newRecord(seq, id, at),
  isNew: true,
  isChanged: false,
  deliveries: [],
})

/** Returns a stored event, before facts are applied to it. */
export const storedFolded = (id: string, { seq, at, source }: KnownEventRow): Folded => ({
  record: { ...newRecord(seq, id, at), source },
  isNew: false,
  isChanged: false,
  deliveries: [],
})
