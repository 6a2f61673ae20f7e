import type { Database } from "bun:sqlite"

/** Most queues that are remembered. Their names come from facts, which another program may write. */
const MAX_QUEUES = 10_000

/** Numbers for the names of queues, which every delivery refers to. */
export class QueueIds {
  readonly #database: Database
  readonly #makeRoom: () => void
  readonly #ids = new Map<string, number>()
  readonly #insert

  /** @param makeRoom called when there are too many queues: calls `forgetUnused` once what is in memory is stored */
  constructor(database: Database, makeRoom: () => void) {
    this.#database = database
    this.#makeRoom = makeRoom
    this.#insert = database.prepare<{ id: number }, [string]>(
      "INSERT INTO queues (name) VALUES (?) RETURNING id",
    )
    this.load()
  }

  /** Reads the numbers again, after a transaction that added some was rolled back. */
  load(): void {
    this.#ids.clear()
    const rows = this.#database.query<{ id: number; name: string }, []>("SELECT id, name FROM queues")
    for (const { id, name } of rows.iterate()) this.#ids.set(name, id)
  }

  /** Returns the number of a queue that a delivery refers to; undefined if there is none. */
  find(name: string): number | undefined {
    return this.#ids.get(name)
  }

  /** Returns the number of a queue, a new one if necessary. Returns undefined if there are too many queues. */
  idOf(name: string): number | undefined {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    if (this.#ids.size >= MAX_QUEUES) this.#makeRoom()
    if (this.#ids.size >= MAX_QUEUES) return undefined
    const id = this.#insert.get(name)?.id
    if (id !== undefined) this.#ids.set(name, id)
    return id
  }

  /** Returns the numbers of queues, as `idOf`; undefined if there are too many. */
  idsOf(names: readonly string[]): readonly number[] | undefined {
    if (names.some((name) => this.idOf(name) === undefined)) return undefined
    // Room for one of them may have been made by forgetting another.
    const ids = names.flatMap((name) => this.idOf(name) ?? [])
    return ids.length === names.length ? ids : undefined
  }

  /** Reads all deliveries, which takes about a second per few million. */
  forgetUnused(): void {
    this.#database.run(
      "DELETE FROM queues WHERE id NOT IN (SELECT queue FROM deliveries UNION SELECT queue FROM queue_sets)",
    )
    this.load()
  }

  close(): void {
    this.#insert.finalize()
  }
}
