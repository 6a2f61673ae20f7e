import type { Database } from "bun:sqlite"
import type { DeliveryRecord } from "./delivery-record.ts"
import type { ProjectionStatements } from "./projection-statements.ts"
import { QueueSets } from "./queue-sets.ts"

/**
 * Deliveries of the embedded engine that nothing has happened to yet. They have no rows: their events refer to the set of
 * their queues.
 */
export class ImpliedDeliveries {
  readonly #statements: ProjectionStatements
  readonly #sets: QueueSets

  constructor(database: Database, statements: ProjectionStatements) {
    this.#statements = statements
    this.#sets = new QueueSets(database)
  }

  /** Returns the number of a set of queues for the events of a publication; null if it can't have one. */
  setOf(queues: readonly number[]): number | null {
    return queues.length === 0 ? null : (this.#sets.numberOf(queues) ?? null)
  }

  /** Stores the first run of an event on a queue. Returns false if its delivery is not implied. */
  finish(id: string, delivery: DeliveryRecord): boolean {
    return !this.#sets.isEmpty && this.#statements.finishImplied(id, delivery)
  }

  /** Gives the implied deliveries of a queue rows of their own. Reads all events. */
  materialize(queue: number): void {
    if (!this.#sets.isEmpty) this.#statements.insertImpliedOn(queue)
  }

  /** Reads the sets again, after a transaction was rolled back. */
  reset(): void {
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
