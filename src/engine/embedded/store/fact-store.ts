import type { Database } from "bun:sqlite"
import {
  factLine,
  type HistoryFact,
  joinLines,
  type PurgedFact,
  publishedLine,
} from "../../../event/history-fact.ts"
import type { StoredEvent } from "./checksum.ts"
import type { Queue } from "./queue.ts"
import { type NumberedBatch, RecentBatches } from "./recent-batches.ts"

/** Batches of one read. */
const MAX_BATCHES_PER_READ = 8

/** Most batches deleted in one turn, so that it stays short. */
const MAX_DELETED_PER_TURN = 128

interface Row {
  readonly seq: number
  readonly token: string
  readonly text: string
}

/**
 * The facts that the history has not taken yet: one row for each turn, written in its transaction. So they are exact,
 * and cost a turn one more row, however many events it has.
 */
export class FactStore {
  readonly #insert
  readonly #read
  readonly #find
  readonly #sizeThrough
  readonly #deleteThrough
  readonly #maxLength: number
  /** Distinguishes the batches of this process from those of a restored backup. */
  readonly #session = crypto.randomUUID()
  readonly #recent = new RecentBatches()
  #lines: string[] = []
  /** The batch of the turn that is being written; null if it has no facts. */
  #inTurn: NumberedBatch | null = null
  /** Number of the oldest batch that may be stored, and of the newest. */
  #oldest: number
  #newest: number
  /** Characters of all stored facts. */
  #length: number
  /** Characters that the turn that is being written adds. */
  #growth = 0
  /** The follower has stored the batches up to this one. */
  #released = 0
  #dropped = 0

  /** @param maxLength most characters of facts that wait for the follower; the oldest are dropped for newer ones */
  constructor(database: Database, maxLength: number) {
    this.#maxLength = maxLength
    this.#insert = database.prepare<never, [number, number, string, string]>(
      "INSERT INTO facts (seq, length, token, text) VALUES (?, ?, ?, ?)",
    )
    this.#read = database.prepare<Row, [number, number, number]>(
      "SELECT seq, token, text FROM facts WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
    )
    this.#find = database.prepare<{ seq: number }, [number, string]>(
      "SELECT seq FROM facts WHERE seq = ? AND token = ?",
    )
    this.#sizeThrough = database.prepare<{ length: number | null }, [number]>(
      "SELECT sum(length) AS length FROM facts WHERE seq <= ?",
    )
    this.#deleteThrough = database.prepare<never, [number]>("DELETE FROM facts WHERE seq <= ?")
    using known = database.prepare<{ oldest: number | null; newest: number | null; length: number }, []>(
      "SELECT min(seq) AS oldest, max(seq) AS newest, total(length) AS length FROM facts",
    )
    const found = known.get()
    this.#newest = found?.newest ?? 0
    this.#oldest = found?.oldest ?? this.#newest + 1
    this.#length = found?.length ?? 0
  }

  /** Number of batches that were deleted since the start although the follower had not stored them. */
  get dropped(): number {
    return this.#dropped
  }

  /** Number of the newest batch. */
  get newest(): number {
    return this.#newest
  }

  /** Begins a turn. Facts of one that was not written are forgotten: what they tell did not happen. */
  begin(): void {
    this.#lines = []
    this.#inTurn = null
    this.#growth = 0
  }

  /** Adds a fact to the turn that is being written. */
  note(fact: HistoryFact): void {
    this.#lines.push(factLine(fact))
  }

  /** Adds the fact of a publish. @param details its optional fields as JSON; null if there are none */
  notePublished(
    queues: readonly Queue[],
    { stored, details }: { readonly stored: StoredEvent; readonly details: string | null },
    at: number,
  ): void {
    const names = queues.map(({ declaration }) => declaration.name)
    this.#lines.push(publishedLine({ at, queues: names }, stored.body, details))
  }

  /** Adds the fact that events were deleted. */
  notePurged({ declaration: { name } }: Queue, from: PurgedFact["from"], ids: readonly string[]): void {
    if (ids.length > 0) this.note({ fact: "purged", at: Date.now(), queue: name, from, ids })
  }

  /** Writes the facts of the turn. Call it last in the transaction. */
  write(): void {
    if (this.#lines.length > 0) {
      const text = joinLines(this.#lines)
      const seq = ++this.#newest
      const token = `${this.#session}-${seq}`
      this.#insert.run(seq, text.length, token, text)
      this.#inTurn = { seq, token, position: token, text }
      this.#growth += text.length
      if (this.#length + this.#growth > this.#maxLength) this.#drop()
    }
    if (this.#released >= this.#oldest) this.#delete(this.#released)
  }

  /** The turn was written. */
  written(): void {
    this.#length += this.#growth
    this.#growth = 0
    if (this.#inTurn !== null) this.#recent.add(this.#inTurn)
    this.#inTurn = null
  }

  /** Returns the first batches after one. */
  read(after: number, through: number): readonly NumberedBatch[] {
    const recent = this.#recent.takeAfter(after, through)
    if (recent.length > 0) return recent
    return this.#read
      .all(after, through, MAX_BATCHES_PER_READ)
      .map(({ seq, token, text }) => ({ seq, position: token, token, text }))
  }

  /** Returns the number of a batch; 0 if it is not stored. */
  numberOf(position: string): number {
    const seq = Number(position.slice(position.lastIndexOf("-") + 1))
    return this.#find.get(seq, position)?.seq ?? 0
  }

  /** Lets later turns delete the batches up to this one. A turn of its own would cost a sync. */
  release(through: number): void {
    this.#released = Math.max(this.#released, through)
  }

  close(): void {
    for (const each of [this.#insert, this.#read, this.#find, this.#sizeThrough, this.#deleteThrough])
      each.finalize()
  }

  /** Deletes the oldest batches, although the follower has not stored them. */
  #drop(): void {
    const before = this.#oldest
    this.#delete(this.#newest - 1)
    this.#dropped += this.#oldest - before
  }

  #delete(through: number): void {
    const last = Math.min(through, this.#oldest + MAX_DELETED_PER_TURN - 1)
    this.#growth -= this.#sizeThrough.get(last)?.length ?? 0
    this.#deleteThrough.run(last)
    this.#oldest = last + 1
  }
}
