import { DeliveryRecord } from "./delivery-record.ts"
import { STATE } from "./delivery-state.ts"
import type { ReadPurged } from "./fact-line.ts"
import type { ProjectionStatements, StoredDelivery } from "./projection-statements.ts"

/** Deliveries held in memory at a time. */
const STEP = 1_000

/** Returns whether a delivery in this state was there to be purged. */
export const isPurgedWith = (from: ReadPurged["from"], state: number): boolean =>
  from === "queue" ? state < STATE.handled : state === STATE.dead || state === STATE.expired

/** Marks everything as purged that a queue, or its dead-letter queue, had. Call it within a transaction. */
export function purgeAll(
  statements: ProjectionStatements,
  queue: number,
  from: ReadPurged["from"],
  at: number,
): void {
  let last = 0
  // A purged delivery is not unfinished any more, so the next step finds others.
  const next = (): StoredDelivery[] =>
    from === "queue" ? statements.unfinishedOn(queue, STEP) : statements.deadOn(queue, last, STEP)
  for (let rows = next(); rows.length > 0; rows = next()) {
    for (const row of rows) {
      const record = DeliveryRecord.from(row)
      record.purged(at)
      statements.writeDelivery(row.event, record, false)
      last = row.event
    }
  }
}
