import type { DeliveryRecord } from "./delivery-record.ts"
import type { EventRecord, ProjectionStatements } from "./projection-statements.ts"

/** Events of one `stored` fact: those from `first` to `last`, without others between. */
interface Run {
  readonly at: number
  readonly queues: readonly number[]
  readonly first: number
  last: number
  /** The deliveries of which more than the publication is known, in order of their events. */
  readonly finished: { readonly event: number; readonly delivery: DeliveryRecord }[]
}

/**
 * Publications of the engine's store, most of which nothing else has happened to yet. Their events are stored in groups
 * of rows, and the deliveries of a run by one statement, without an object for each.
 */
export class StoredRuns {
  readonly #statements: ProjectionStatements
  readonly #runs: Run[] = []
  /** The newest event of each id. */
  readonly #byId = new Map<string, number>()

  constructor(statements: ProjectionStatements) {
    this.#statements = statements
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }

  /** Begins a run of events that were stored on these queues. */
  begin(first: number, at: number, queues: readonly number[]): void {
    this.#runs.push({ first, last: first - 1, at, queues, finished: [] })
  }

  /** Adds the next event of the run. Its number follows the one before. */
  add(record: EventRecord): void {
    const run = this.#runs.at(-1)
    if (run === undefined) return
    run.last = record.seq
    this.#byId.set(record.id, record.seq)
    this.#statements.insertEventLater(record)
  }

  /** Applies the only run of an event to its delivery. Returns false if it is not the only thing that has happened to it. */
  finish(id: string, delivery: DeliveryRecord): boolean {
    const event = this.#byId.get(id)
    const run = event === undefined ? undefined : this.#runs.findLast(({ first }) => first <= event)
    if (event === undefined || run === undefined) return false
    const isOther = (each: Run["finished"][number]) =>
      each.event !== event || each.delivery.queue !== delivery.queue
    if (!run.queues.includes(delivery.queue) || !run.finished.every(isOther)) return false
    run.finished.push({ event, delivery })
    return true
  }

  /** Stores what was added. */
  write(): void {
    if (this.#runs.length === 0) return
    this.#statements.insertLaterEvents()
    for (const run of this.#runs) for (const queue of run.queues) this.#writeDeliveries(run, queue)
    this.forget()
  }

  /** Forgets what was added and not stored. */
  forget(): void {
    this.#runs.length = 0
    this.#byId.clear()
    this.#statements.forgetLaterEvents()
  }

  #writeDeliveries({ first, last, at, finished }: Run, queue: number): void {
    let next = first
    const ofQueue = finished.filter(({ delivery }) => delivery.queue === queue)
    for (const { event, delivery } of ofQueue.sort((one, other) => one.event - other.event)) {
      if (event > next) this.#statements.insertWaiting(queue, at, next, event - 1)
      this.#statements.writeDelivery(event, delivery, true)
      next = event + 1
    }
    if (next <= last) this.#statements.insertWaiting(queue, at, next, last)
  }
}
