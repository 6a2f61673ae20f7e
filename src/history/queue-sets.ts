import type { Database } from "bun:sqlite"

/** Most sets that are remembered. There is one for each way in which events were routed. */
const MAX_SETS = 10_000

/** Sets of queues that events were stored on together, which the events refer to. */
export class QueueSets {
  readonly #database: Database
  readonly #sets = new Map<number, ReadonlySet<number>>()
  /** The number of a set, by its queues. */
  readonly #numbers = new Map<string, number>()
  /** Highest number of a set. */
  #last = 0
  readonly #insert

  constructor(database: Database) {
    this.#database = database
    this.#insert = database.prepare<never, [number, number]>(
      "INSERT INTO queue_sets (id, queue) VALUES (?, ?)",
    )
    this.load()
  }

  get isEmpty(): boolean {
    return this.#sets.size === 0
  }

  /** Reads the sets again, after a transaction that added some was rolled back. */
  load(): void {
    this.#sets.clear()
    this.#numbers.clear()
    this.#last = 0
    const rows = this.#database.query<{ id: number; queue: number }, []>("SELECT id, queue FROM queue_sets")
    const read = Map.groupBy(rows.all(), ({ id }) => id)
    for (const [id, members] of read) this.#remember(id, new Set(members.map(({ queue }) => queue)))
  }

  /** Reads all events, which takes about a second per million. */
  forgetUnused(): void {
    this.#database.run(
      "DELETE FROM queue_sets WHERE id NOT IN (SELECT queue_set FROM events WHERE queue_set IS NOT NULL)",
    )
    this.load()
  }

  /** Returns the number of a set of queues, a new one if necessary. Returns undefined if there are too many sets. */
  numberOf(queues: readonly number[]): number | undefined {
    return this.#numbers.get(keyOf(queues)) ?? this.#add(new Set(queues))
  }

  /** Returns whether a queue is in a set. */
  has(set: number, queue: number): boolean {
    return this.#sets.get(set)?.has(queue) ?? false
  }

  close(): void {
    this.#insert.finalize()
  }

  #add(queues: ReadonlySet<number>): number | undefined {
    if (this.#sets.size >= MAX_SETS) return undefined
    const set = this.#last + 1
    for (const queue of queues) this.#insert.run(set, queue)
    this.#remember(set, queues)
    return set
  }

  #remember(set: number, queues: ReadonlySet<number>): void {
    this.#sets.set(set, queues)
    this.#numbers.set(keyOf(queues), set)
    this.#last = Math.max(this.#last, set)
  }
}

const keyOf = (queues: Iterable<number>): string =>
  [...new Set(queues)].sort((one, other) => one - other).join()
