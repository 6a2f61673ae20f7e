import type { Database } from "bun:sqlite"
import { select } from "../dead-letter-selection.ts"
import type { DeadLetterSelection } from "../engine.ts"
import type { MessageStore } from "./message-store.ts"
import type { Queue } from "./queue.ts"

interface StoredLetter {
  readonly position: number
  readonly event: number
  readonly priority: number
  readonly body: string
}

/** Takes dead letters out again: back to their queue, or for good. Each call is one transaction. */
export class DeadLetterStore {
  readonly #store: MessageStore
  readonly #letters
  readonly #deleteLetter

  constructor(database: Database, store: MessageStore) {
    this.#store = store
    this.#letters = database.prepare<StoredLetter, [number]>(
      `SELECT position, event, dead_letters.priority AS priority, body
       FROM dead_letters JOIN events ON seq = event WHERE queue = ? ORDER BY position`,
    )
    this.#deleteLetter = database.prepare<never, [number]>("DELETE FROM dead_letters WHERE position = ?")
  }

  /** Moves those that are selected, as far as the queue has room. Returns how many. */
  redrive(queue: Queue, selection: DeadLetterSelection, now: number): number {
    const { maxLength, overflow } = queue.declaration
    const room =
      overflow === "reject-publish" ? Math.max(0, maxLength - queue.ready) : Number.POSITIVE_INFINITY
    const moved = select(this.#letters.all(queue.id), selection).slice(0, room)
    this.#store.transaction(() => {
      for (const { position, event, priority } of moved) {
        this.#store.requeue(queue.id, event, priority, now)
        this.#deleteLetter.run(position)
      }
    })
    queue.ready += moved.length
    queue.deadLetters -= moved.length
    return moved.length
  }

  /** Deletes all of a queue. Returns how many. */
  purge(queue: Queue): number {
    const letters = this.#letters.all(queue.id)
    this.#store.transaction(() => {
      for (const { position, event } of letters) {
        this.#deleteLetter.run(position)
        this.#store.dropEventIfFree(event)
      }
    })
    queue.deadLetters -= letters.length
    return letters.length
  }

  close(): void {
    this.#letters.finalize()
    this.#deleteLetter.finalize()
  }
}
