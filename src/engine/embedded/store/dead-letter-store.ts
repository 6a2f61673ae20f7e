import type { Database } from "bun:sqlite"
import type { DeadLetter, DeadLetterSelection, EditedEvent } from "../../dead-letter.ts"
import { matcherOf } from "../../dead-letter-selection.ts"
import { editedFact } from "../../edited-fact.ts"
import { idIn } from "./examined-event.ts"
import type { FactStore } from "./fact-store.ts"
import type { MessageStore } from "./message-store.ts"
import type { Queue } from "./queue.ts"
import { requireOne } from "./store-damage.ts"
import { type LetterRow, type StoredLetter, toLetter } from "./stored-letter.ts"

/** A dead letter without its body and failure. */
interface LetterPlace extends Pick<LetterRow, "position" | "event" | "priority"> {
  /** Null also if nothing records what became of the event. */
  readonly id: string | null
  readonly trace: string | null
}

/** The tables that dead letters come from and go to. */
interface DeadLetterTables {
  readonly messages: MessageStore
  /** Null if nothing records what became of each event. */
  readonly facts: FactStore | null
}

/** The part of a queue's dead letters that a walk has not visited yet. */
export interface LetterRange {
  readonly after: number
  readonly through: number
}

/** The result of one step of a walk. */
export interface Step {
  readonly count: number
  /** The part that is left to walk; null at the end or at the limit. */
  readonly left: LetterRange | null
  /** The position where the limit stopped the walk; null if it did not, or if nothing follows. */
  readonly stoppedAt: number | null
}

/** Most dead letters read in one step, so that the event loop keeps running. */
const MAX_READ_PER_STEP = 1_000

/**
 * Total length of bodies after which a step ends, in UTF-16 code units: reading and checking one mebibyte
 * takes about 10 ms.
 */
const MAX_LENGTH_PER_STEP = 1_048_576

/**
 * The dead letters of every queue, in SQL. A walk runs in steps and holds one body in memory at a time. A
 * step that writes runs in the transaction of a turn.
 */
export class DeadLetterStore {
  readonly #store: MessageStore
  readonly #facts: FactStore | null
  readonly #newest
  readonly #letters
  readonly #deleteLetter

  constructor(database: Database, { messages, facts }: DeadLetterTables) {
    this.#store = messages
    this.#facts = facts
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

  /**
   * Returns all that a queue has now. Dead letters that fail again after a redrive come behind it, so they
   * are not visited twice.
   */
  range(queue: Queue, after = 0): LetterRange {
    return { after, through: this.#newest.get(queue.id)?.position ?? 0 }
  }

  /** Adds the selected dead letters to `found`. */
  read(queue: Queue, selection: DeadLetterSelection, range: LetterRange, found: DeadLetter[]): Step {
    return this.#walk(queue, selection, range, ({ body, failure }) => {
      found.push({ body, failure })
      return true
    })
  }

  /** Counts the dead letters that a redrive would move. Calls `onCorrupt` for each one that it would skip. */
  countIntact(queue: Queue, selection: DeadLetterSelection, range: LetterRange, onCorrupt: () => void): Step {
    return this.#walk(queue, selection, range, (letter) => isIntact(letter, onCorrupt))
  }

  /**
   * Moves the selected dead letters back to the queue, as far as it has room. Skips corrupt ones, and calls
   * `onCorrupt` for each.
   * @param edited stored instead of the selected event; null for none
   */
  redrive(
    queue: Queue,
    selection: DeadLetterSelection,
    range: LetterRange,
    now: number,
    onCorrupt: () => void,
    edited: EditedEvent | null,
  ): Step {
    const limit = Math.min(roomOf(queue), selection.limit ?? Number.POSITIVE_INFINITY)
    const step = this.#take(
      queue,
      { ...selection, limit },
      range,
      (letter) => isIntact(letter, onCorrupt),
      ({ id, ...place }) => {
        this.#store.requeue(queue.id, place, now, edited && JSON.stringify(edited.event))
        if (id === null) return
        const fact = { fact: "redriven", at: Date.now(), id, queue: queue.declaration.name } as const
        this.#facts?.note({ ...fact, ...editedFact(edited) })
      },
    )
    queue.ready += step.count
    return step
  }

  /** Deletes the selected dead letters. */
  purge(queue: Queue, selection: DeadLetterSelection, range: LetterRange): Step {
    const ids: string[] = []
    const step = this.#take(
      queue,
      selection,
      range,
      () => true,
      ({ event, id }) => {
        this.#store.dropEventIfFree(event)
        if (id !== null) ids.push(id)
      },
    )
    this.#facts?.notePurged(queue, "dead-letters", ids)
    return step
  }

  close(): void {
    this.#newest.finalize()
    this.#letters.finalize()
    this.#deleteLetter.finalize()
  }

  #walk(
    queue: Queue,
    selection: DeadLetterSelection,
    { after, through }: LetterRange,
    /** Returns whether the dead letter counts. */
    visit: (letter: StoredLetter, row: LetterRow) => boolean,
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
      if (isSelected({ body, failure }) && visit(letter, row)) count++
      length += body.length
    }
    return { count, left: read < MAX_READ_PER_STEP ? null : { after: last, through }, stoppedAt: null }
  }

  /** Removes the selected dead letters, and calls `settle` with the event of each. */
  #take(
    queue: Queue,
    selection: DeadLetterSelection,
    range: LetterRange,
    mayTake: (letter: StoredLetter) => boolean,
    settle: (place: LetterPlace) => void,
  ): Step {
    // Collects their places first, because SQLite does not define what a SELECT sees of rows that are deleted
    // during it.
    const places: LetterPlace[] = []
    const step = this.#walk(queue, selection, range, (letter, { position, event, priority, trace }) => {
      const isTaken = mayTake(letter)
      const id = isTaken && this.#facts !== null ? idIn(letter.body) : null
      if (isTaken)
        places.push({ position, event, priority, id, trace: typeof trace === "string" ? trace : null })
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

/** A queue with `drop-head` always has room: it drops its oldest events, which become dead letters again. */
function roomOf({ declaration: { maxLength, overflow }, ready }: Queue): number {
  return overflow === "reject-publish" ? Math.max(0, maxLength - ready) : Number.POSITIVE_INFINITY
}
