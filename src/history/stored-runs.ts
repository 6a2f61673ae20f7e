import type { DeliveryRecord } from "./delivery-record.ts"
import type { EventRecord, ProjectionStatements } from "./projection-statements.ts"

/** Events of one `stored` fact: those from `first` to `last`, without others between. */
interface Run {
  readonly at: number
  readonly queues: readonly number[]
  readonly first: number
  last: number
  /** The deliveries of which more than the publication is known, by event. */
  readonly finished: Map<number, DeliveryRecord[]>
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
    this.#runs.push({ first, last: first - 1, at, queues, finished: new Map() })
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
    const run = event === undefined ? undefined : this.#runOf(event)
    if (event === undefined || run === undefined) return false
    const finished = run.finished.get(event)
    if (!run.queues.includes(delivery.queue) || finished?.some(({ queue }) => queue === delivery.queue))
      return false
    if (finished === undefined) run.finished.set(event, [delivery])
    else finished.push(delivery)
    return true
  }

  /** The runs are in order of their events, and there may be one for each. */
  #runOf(event: number): Run | undefined {
    let from = 0
    let to = this.#runs.length
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#runs[middle]?.first ?? 0) <= event) from = middle + 1
      else to = middle
    }
    return this.#runs[from - 1]
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
    for (const event of [...finished.keys()].sort((one, other) => one - other)) {
      const delivery = finished.get(event)?.find((each) => each.queue === queue)
      if (delivery === undefined) continue
      if (event > next) this.#statements.insertWaiting(queue, at, next, event - 1)
      this.#statements.writeDelivery(event, delivery, true)
      next = event + 1
    }
    if (next <= last) this.#statements.insertWaiting(queue, at, next, last)
  }
}
