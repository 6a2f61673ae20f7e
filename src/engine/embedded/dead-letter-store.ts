import type { Database } from "bun:sqlite"
import { matcherOf } from "../dead-letter-selection.ts"
import type { DeadLetter, DeadLetterSelection } from "../engine.ts"
import type { MessageStore } from "./message-store.ts"
import type { Queue } from "./queue.ts"
import { requireOne } from "./store-damage.ts"
import { type LetterRow, type StoredLetter, toLetter } from "./stored-letter.ts"

/** A dead letter without its texts. */
type Place = Pick<LetterRow, "position" | "event" | "priority">

/** The part of a queue's dead letters that a walk through them has still before it. */
export interface Stretch {
  readonly after: number
  readonly through: number
}

/** What one step of a walk did. */
export interface Step {
  readonly count: number
  /** What is left to walk; null at the end, and at the limit. */
  readonly left: Stretch | null
  /** Where the limit stopped it; null if it did not, or nothing comes behind. */
  readonly stoppedAt: number | null
}

/** Dead letters that one step reads at most, so that the event loop goes on meanwhile. */
const MAX_READ_PER_STEP = 1_000

/** Length of the bodies after which a step ends, in UTF-16 code units: to read and check a mebibyte takes about 10 ms. */
const MAX_LENGTH_PER_STEP = 1_048_576

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
    this.#letters = database.prepare<LetterRow, [number, number, number, number]>(
      `SELECT position, event, dead_letters.priority AS priority, failure, body, trace, checksum
       FROM dead_letters LEFT JOIN events ON seq = event
       WHERE queue = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`,
    )
    this.#deleteLetter = database.prepare<never, [number]>("DELETE FROM dead_letters WHERE position = ?")
  }

  /** All that a queue has now. What is redriven and fails again comes behind it, and is not walked twice. */
  stretch(queue: Queue, after = 0): Stretch {
    return { after, through: this.#newest.get(queue.id)?.position ?? 0 }
  }

  /** Adds those that are selected to `found`. */
  read(queue: Queue, selection: DeadLetterSelection, stretch: Stretch, found: DeadLetter[]): Step {
    return this.#walk(queue, selection, stretch, ({ body, failure }) => {
      found.push({ body, failure })
      return true
    })
  }

  /** Counts those that a redrive would move. Calls back for each that it would leave. */
  countIntact(queue: Queue, selection: DeadLetterSelection, stretch: Stretch, onCorrupt: () => void): Step {
    return this.#walk(queue, selection, stretch, (letter) => isIntact(letter, onCorrupt))
  }

  /**
   * Moves those that are selected back to the queue, as far as that has room. Leaves corrupt ones, and calls back for
   * each.
   */
  redrive(
    queue: Queue,
    selection: DeadLetterSelection,
    stretch: Stretch,
    now: number,
    onCorrupt: () => void,
  ): Step {
    const limit = Math.min(roomOf(queue), selection.limit ?? Number.POSITIVE_INFINITY)
    const step = this.#take(
      queue,
      { ...selection, limit },
      stretch,
      (letter) => isIntact(letter, onCorrupt),
      ({ event, priority }) => this.#store.requeue(queue.id, event, priority, now),
    )
    queue.ready += step.count
    return step
  }

  /** Deletes those that are selected. */
  purge(queue: Queue, selection: DeadLetterSelection, stretch: Stretch): Step {
    return this.#take(
      queue,
      selection,
      stretch,
      () => true,
      ({ event }) => this.#store.dropEventIfFree(event),
    )
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
    /** Returns whether the letter counts. */
    visit: (letter: StoredLetter, place: Place) => boolean,
  ): Step {
    const limit = selection.limit ?? Number.POSITIVE_INFINITY
    const isSelected = matcherOf(selection)
    let count = 0
    let read = 0
    let length = 0
    let last = after
    for (const row of this.#letters.iterate(queue.id, after, through, MAX_READ_PER_STEP)) {
      if (count >= limit) return { count, left: null, stoppedAt: last }
      if (length >= MAX_LENGTH_PER_STEP) return { count, left: { after: last, through }, stoppedAt: null }
      read++
      last = row.position
      const letter = toLetter(row, queue.id)
      const { body, failure } = letter
      if (isSelected({ body, reason: failure.reason }) && visit(letter, row)) count++
      length += body.length
    }
    return { count, left: read < MAX_READ_PER_STEP ? null : { after: last, through }, stoppedAt: null }
  }

  /** Takes those that are selected out of the dead letters, and does with the event of each what is to be done. */
  #take(
    queue: Queue,
    selection: DeadLetterSelection,
    stretch: Stretch,
    mayTake: (letter: StoredLetter) => boolean,
    settle: (place: Place) => void,
  ): Step {
    // Their places first: SQLite does not say what a SELECT sees of the rows that are deleted beneath it.
    const places: Place[] = []
    const step = this.#walk(queue, selection, stretch, (letter, { position, event, priority }) => {
      const isTaken = mayTake(letter)
      if (isTaken) places.push({ position, event, priority })
      return isTaken
    })
    if (places.length === 0) return step
    for (const place of places) {
      requireOne(this.#deleteLetter.run(place.position))
      settle(place)
    }
    queue.deadLetters -= places.length
    return step
  }
}

function isIntact({ isCorrupt }: StoredLetter, onCorrupt: () => void): boolean {
  if (isCorrupt) onCorrupt()
  return !isCorrupt
}

/** A queue that drops its oldest takes any number, and makes them dead letters again. */
function roomOf({ declaration: { maxLength, overflow }, ready }: Queue): number {
  return overflow === "reject-publish" ? Math.max(0, maxLength - ready) : Number.POSITIVE_INFINITY
}
