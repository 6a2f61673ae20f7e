import type { Database } from "bun:sqlite"
import type { FailureReason } from "../../event/failure.ts"
import { matcherOf } from "../dead-letter-selection.ts"
import type { DeadLetter, DeadLetterSelection } from "../engine.ts"
import type { MessageStore } from "./message-store.ts"
import type { Queue } from "./queue.ts"

interface StoredLetter {
  readonly position: number
  readonly event: number
  readonly priority: number
  readonly body: string
  readonly failure: string
  readonly reason: FailureReason
}

/** A dead letter without its texts. */
type Place = Pick<StoredLetter, "position" | "event" | "priority">

/** The part of a queue's dead letters that a walk through them has still before it. */
export interface Stretch {
  readonly after: number
  readonly through: number
}

/** What one step of a walk did, and what is left to walk; null at the end. */
export interface Step {
  readonly count: number
  readonly left: Stretch | null
}

/** Dead letters that one step reads at the most, so that the event loop goes on meanwhile. */
const MAX_READ_PER_STEP = 1_000

/**
 * The dead letters of every queue, in SQL. They are walked in steps, and one letter's body is in memory at a time.
 * A step that writes runs in the transaction of a turn.
 */
export class DeadLetterStore {
  readonly #store: MessageStore
  readonly #newest
  readonly #letters
  readonly #deleteLetter

  constructor(database: Database, store: MessageStore) {
    this.#store = store
    this.#newest = database.prepare<{ position: number }, [number]>(
      "SELECT position FROM dead_letters WHERE queue = ? ORDER BY position DESC LIMIT 1",
    )
    this.#letters = database.prepare<StoredLetter, [number, number, number, number]>(
      `SELECT position, event, dead_letters.priority AS priority, body, failure, failure ->> 'reason' AS reason
       FROM dead_letters JOIN events ON seq = event
       WHERE queue = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`,
    )
    this.#deleteLetter = database.prepare<never, [number]>("DELETE FROM dead_letters WHERE position = ?")
  }

  /** All that a queue has now. What is redriven and fails again comes behind it, and is not walked twice. */
  stretch(queue: Queue): Stretch {
    return { after: 0, through: this.#newest.get(queue.id)?.position ?? 0 }
  }

  /** Adds those that are selected to `found`. */
  read(queue: Queue, selection: DeadLetterSelection, stretch: Stretch, found: DeadLetter[]): Step {
    return this.#walk(queue, selection, stretch, ({ body, failure }) =>
      found.push({ body, failure: JSON.parse(failure) }),
    )
  }

  count(queue: Queue, selection: DeadLetterSelection, stretch: Stretch): Step {
    return this.#walk(queue, selection, stretch, () => {})
  }

  /** Moves those that are selected back to the queue, as far as that has room. */
  redrive(queue: Queue, selection: DeadLetterSelection, stretch: Stretch, now: number): Step {
    const limit = Math.min(roomOf(queue), selection.limit ?? Number.POSITIVE_INFINITY)
    const step = this.#take(queue, { ...selection, limit }, stretch, ({ event, priority }) =>
      this.#store.requeue(queue.id, event, priority, now),
    )
    queue.ready += step.count
    return step
  }

  /** Deletes those that are selected. */
  purge(queue: Queue, selection: DeadLetterSelection, stretch: Stretch): Step {
    return this.#take(queue, selection, stretch, ({ event }) => this.#store.dropEventIfFree(event))
  }

  close(): void {
    this.#newest.finalize()
    this.#letters.finalize()
    this.#deleteLetter.finalize()
  }

  #walk(
    queue: Queue,
    selection: DeadLetterSelection,
    { after, through }: Stretch,
    visit: (letter: StoredLetter) => void,
  ): Step {
    const limit = selection.limit ?? Number.POSITIVE_INFINITY
    const isSelected = matcherOf(selection)
    let count = 0
    let read = 0
    let last = after
    for (const letter of this.#letters.iterate(queue.id, after, through, MAX_READ_PER_STEP)) {
      if (count >= limit) return { count, left: null }
      read++
      last = letter.position
      if (!isSelected(letter)) continue
      count++
      visit(letter)
    }
    return { count, left: read < MAX_READ_PER_STEP ? null : { after: last, through } }
  }

  /** Takes those that are selected out of the dead letters, and does with the event of each what is to be done. */
  #take(
    queue: Queue,
    selection: DeadLetterSelection,
    stretch: Stretch,
    settle: (place: Place) => void,
  ): Step {
    // Their places first: SQLite does not say what a SELECT sees of the rows that are deleted beneath it.
    const places: Place[] = []
    const step = this.#walk(queue, selection, stretch, ({ position, event, priority }) =>
      places.push({ position, event, priority }),
    )
    if (places.length === 0) return step
    for (const place of places) {
      this.#deleteLetter.run(place.position)
      settle(place)
    }
    queue.deadLetters -= places.length
    return step
  }
}

/** A queue that drops its oldest takes any number, and makes them dead letters again. */
function roomOf({ declaration: { maxLength, overflow }, ready }: Queue): number {
  return overflow === "reject-publish" ? Math.max(0, maxLength - ready) : Number.POSITIVE_INFINITY
}
