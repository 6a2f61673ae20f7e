import type { Database } from "bun:sqlite"
import type { DeliveryRecord } from "./delivery-record.ts"
import type { EventRecord } from "./event-record.ts"
import type { ProjectionStatements } from "./projection-statements.ts"
import { QueueSets } from "./queue-sets.ts"

/**
 * Deliveries of the embedded engine that nothing has happened to yet. They have no rows: their events refer to the set of
 * their queues.
 */
export class ImpliedDeliveries {
  readonly #statements: ProjectionStatements
  readonly #sets: QueueSets
  /** The newest event of each id that was added since the last write. */
  readonly #added = new Map<string, { readonly event: number; readonly set: number }>()

  constructor(database: Database, statements: ProjectionStatements) {
    this.#statements = statements
    this.#sets = new QueueSets(database)
  }

  /** Returns the number of a set of queues for the events of a publication; null if it can't have one. */
  setOf(queues: readonly number[]): number | null {
    return queues.length === 0 ? null : (this.#sets.numberOf(queues) ?? null)
  }

  /** Returns whether an event with this id was added since the last write. */
  has(id: string): boolean {
    return this.#added.has(id)
  }

  /** Adds an event whose deliveries are implied by a set. It is stored at the next write at the latest. */
  add(record: EventRecord, set: number): void {
    this.#added.set(record.id, { event: record.seq, set })
    record.queueSet = set
    this.#statements.insertEventLater(record)
  }

  /** Stores the first run of an event on a queue. Returns false if its delivery is not implied. */
  finish(id: string, delivery: DeliveryRecord): boolean {
    const added = this.#added.get(id)
    if (added === undefined) return !this.#sets.isEmpty && this.#statements.finishImpliedOf(id, delivery)
    return this.#sets.has(added.set, delivery.queue) && this.#statements.finishImplied(added.event, delivery)
  }

  /** Gives the implied deliveries of a queue rows of their own. Reads all events. */
  materialize(queue: number): void {
    if (!this.#sets.isEmpty) this.#statements.insertImpliedOn(queue)
  }

  /** Stores what was added. */
  write(): void {
    this.#statements.insertLaterEvents()
    this.#added.clear()
  }

  /** Forgets what was added and not stored, after a transaction was rolled back. */
  reset(): void {
    this.#added.clear()
    this.#statements.forgetLaterEvents()
    this.#sets.load()
  }

  /** Forgets the sets that no stored event refers to. */
  forgetUnused(): void {
    this.#sets.forgetUnused()
  }

  close(): void {
    this.#sets.close()
  }
}
