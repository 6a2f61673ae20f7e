import type { Database } from "bun:sqlite"
import { type HistoryFact, joinLines, type PurgedFact } from "../../../event/history-fact.ts"
import { DeferredFacts } from "./deferred-facts.ts"
import type { EventHolder } from "./event-holder.ts"
import { FactGap } from "./fact-gap.ts"
import { encodeHeld, type FactRow, FactRows } from "./fact-rows.ts"
import type { Queue } from "./queue.ts"
import { type NumberedBatch, RecentBatches } from "./recent-batches.ts"
import type { RecordedEvents } from "./recorded-events.ts"
import { TurnFacts } from "./turn-facts.ts"

/** Batches of one read. */
const MAX_BATCHES_PER_READ = 8

/** Most batches deleted in one turn, so that it stays short. */
const MAX_DELETED_PER_TURN = 128

/** Events that one turn may delete with their batches, besides twice as many as it adds. */
const MAX_FREED_PER_TURN = 256

interface Row {
  readonly seq: number
  readonly length: number
  readonly token: string
  readonly text: string
}

/**
 * The facts that the history has not taken yet: one row for each turn, written in its transaction. So they are exact,
 * and cost a turn one more row, however many events it has. Turns that only publish, and follow each other quickly, share
 * a row of a later turn: until then the queues tell of their events, see `readRecorded`. The row of a publish only refers
 * to the event, so an event that is done stays in the store until the history has taken its publish: the row of that turn
 * holds it.
 */
export class FactStore implements EventHolder {
  readonly #insert
  readonly #read
  readonly #find
  readonly #deleteThrough
  readonly #deleteEvent
  readonly #maxLength: number
  /** Distinguishes the batches of this process from those of a restored backup. */
  readonly #session = crypto.randomUUID()
  readonly #recent = new RecentBatches()
  #turn = new TurnFacts()
  readonly #deferred: DeferredFacts
  /** Events that the turn that is being written would have deleted. */
  #held: number[] = []
  /** False while a turn is written whose facts are left out. */
  #isWritable = true
  /** The batch of the turn that is being written, with its row; null if it has no facts. */
  #inTurn: { readonly batch: NumberedBatch; readonly row: FactRow } | null = null
  readonly #rows: FactRows
  readonly #gap: FactGap
  /** Number of the oldest rows that the turn that is being written deletes, and of their batches that were not taken. */
  #deleted = 0
  #lost = 0
  #newest: number
  /** The follower has stored the batches up to this one. */
  #released = 0
  /** The follower has stored the publishes of the events up to this one. */
  #releasedEvent: number
  #dropped = 0
  #leftOut = 0

  /**
   * @param maxLength most bytes of facts that wait for the follower, with their events; the oldest are dropped for newer ones
   * @param turn number of the store's last turn
   */
  constructor(database: Database, maxLength: number, turn: number, recorded: RecordedEvents) {
    this.#maxLength = maxLength
    this.#deferred = new DeferredFacts(recorded)
    this.#insert = database.prepare<never, [number, number, string, string, string | null]>(
      "INSERT INTO facts (seq, length, token, text, held) VALUES (?, ?, ?, ?, ?)",
    )
    this.#read = database.prepare<Row, [number, number, number]>(
      "SELECT seq, length, token, text FROM facts WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
    )
    this.#find = database.prepare<{ seq: number }, [number, string]>(
      "SELECT seq FROM facts WHERE seq = ? AND token = ?",
    )
    this.#deleteThrough = database.prepare<never, [number]>("DELETE FROM facts WHERE seq <= ?")
    this.#deleteEvent = database.prepare<never, [number]>("DELETE FROM events WHERE seq = ?")
    this.#rows = FactRows.read(database, recorded.through)
    this.#gap = new FactGap(database)
    // Number 1 is given once in the life of a store.
    this.#newest = this.#rows.all.length === 0 ? turn : this.#rows.newest
    this.#releasedEvent = this.#rows.all.length === 0 ? recorded.through : 0
  }

  /** True if there were turns before the oldest batch. */
  get lacksPast(): boolean {
    const [oldest] = this.#rows.all
    return oldest === undefined ? this.#newest > 0 : oldest.seq > 1
  }

  /** Number of batches that the follower will never have: left out, or deleted before it had stored them. Counted since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** Number of those that were left out. */
  get leftOut(): number {
    return this.#leftOut
  }

  /** True if there are publications that no batch tells of yet. A turn that does more than publish tells of them. */
  get isDeferring(): boolean {
    return !this.#deferred.runs.isEmpty
  }

  /** True if the follower has stored every batch. */
  get isEmpty(): boolean {
    return this.#rows.all.length === 0
  }

  /** Number of the newest batch. */
  get newest(): number {
    return this.#newest
  }

  /**
   * Begins a turn. Facts of one that was not written are forgotten: what they tell did not happen.
   * @param isWritable false if the facts of this turn are left out
   */
  begin(isWritable: boolean): void {
    this.#isWritable = isWritable
    this.#turn = new TurnFacts()
    this.#held = []
    this.#inTurn = null
    this.#deferred.begin()
    this.#deleted = 0
    this.#lost = 0
    this.#gap.begin()
  }

  /** Adds a fact to the turn that is being written. */
  note(fact: HistoryFact): void {
    this.#turn.add(fact)
  }

  /** Adds the fact of a publish. @param event its number in the store @param length of its body, in bytes */
  notePublished(event: number, length: number, queues: readonly Queue[], at: number): void {
    this.#turn.addStored(event, length, queues, at)
  }

  /** Adds the fact that events were deleted. */
  notePurged({ declaration: { name } }: Queue, from: PurgedFact["from"], ids: readonly string[]): void {
    if (ids.length > 0) this.note({ fact: "purged", at: Date.now(), queue: name, from, ids })
  }

  /** While facts are left out, the room of an event is needed more than its history. */
  isNeeded(event: number): boolean {
    return event > this.#releasedEvent && this.#isWritable
  }

  hold(event: number): void {
    this.#held.push(event)
  }

  /**
   * Writes the facts of the turn, unless they can wait for those of a later one. Call it after all other calls in the
   * transaction.
   * @param mayWait true if the turn does nothing but publish
   */
  write(mayWait: boolean): void {
    const isDeferred = mayWait && this.#defer()
    if (this.#isWritable && !isDeferred) this.#write()
    else if (!this.#isWritable && !this.#turn.isEmpty) this.#leaveOut()
    this.#deleteReleased()
  }

  /** True while a turn is written, if it has a row of facts. */
  get isWritten(): boolean {
    return this.#inTurn !== null
  }

  /** Returns what `recorded` is after the turn that is being written. @param lastEvent number of the store's last event */
  recordedThrough(lastEvent: number): number {
    return this.#deferred.recordedThrough(lastEvent, this.#isWritable)
  }

  /**
   * True while a turn is written, if there are batches left that the follower has stored. Later turns delete them, and
   * copy the log meanwhile.
   */
  get hasMore(): boolean {
    const next = this.#rows.all[this.#deleted]
    return next !== undefined && next.seq <= this.#released && !this.#isKept(next)
  }

  /** The turn was written. */
  written(): void {
    this.#rows.drop(this.#deleted)
    this.#deferred.written(this.isWritten)
    const leftOut = this.#isWritable || this.#turn.isEmpty ? 0 : 1
    this.#leftOut += leftOut
    this.#dropped += this.#lost + leftOut
    this.#gap.written()
    if (this.#lost > 0) this.#gap.dropped()
    this.#deleted = 0
    this.#lost = 0
    if (this.#inTurn === null) return
    const { batch, row } = this.#inTurn
    this.#inTurn = null
    this.#rows.add(row)
    this.#recent.add(batch)
  }

  /** Returns the first batches after one. */
  read(after: number, through: number): readonly NumberedBatch[] {
    const recent = this.#recent.takeAfter(after, through)
    if (recent.length > 0) return recent
    return this.#read
      .all(after, through, MAX_BATCHES_PER_READ)
      .map(({ seq, length, token, text }) =>
        numberedBatch(seq, token, text, length - Buffer.byteLength(text)),
      )
  }

  /** Returns the number of a batch; 0 if it is not stored. */
  numberOf(position: string): number {
    const seq = Number(position.slice(position.lastIndexOf("-") + 1))
    return this.#find.get(seq, position)?.seq ?? 0
  }

  /** Lets later turns delete the batches up to this one. A turn of its own would cost a sync. */
  release(through: number): void {
    this.#released = Math.max(this.#released, through)
    for (const { seq, lastEvent } of this.#rows.all) {
      if (seq > through) break
      this.#releasedEvent = Math.max(this.#releasedEvent, lastEvent)
    }
  }

  close(): void {
    for (const each of [this.#insert, this.#read, this.#find, this.#deleteThrough, this.#deleteEvent])
      each.finalize()
  }

  #write(): void {
    const { runs } = this.#deferred
    if (this.#turn.isEmpty && this.#held.length === 0 && runs.isEmpty) return
    const eventsLength = this.#turn.eventsLength + runs.length
    const lastEvent = Math.max(this.#turn.lastEvent, runs.lastEvent)
    const lines = [...runs.lines(), ...this.#turn.lines()]
    const gap = this.#gap.end()
    this.#insertRow(joinLines(gap === null ? lines : [gap, ...lines]), { eventsLength, lastEvent })
  }

  /** Returns false if the facts of the turn can't wait. */
  #defer(): boolean {
    const stored = this.#turn.onlyStored
    const mayWait = this.#isWritable && this.#held.length === 0 && !this.#gap.isOpen
    return stored !== null && mayWait && this.#deferred.take(stored)
  }

  #leaveOut(): void {
    const mark = this.#gap.leaveOut()
    if (mark !== null) this.#insertRow(mark, { eventsLength: 0, lastEvent: 0 })
  }

  #insertRow(text: string, { eventsLength, lastEvent }: Pick<TurnFacts, "eventsLength" | "lastEvent">): void {
    const seq = ++this.#newest
    const token = `${this.#session}-${seq}`
    const length = Buffer.byteLength(text) + eventsLength
    this.#insert.run(seq, length, token, text, encodeHeld(this.#held))
    this.#inTurn = {
      batch: numberedBatch(seq, token, text, eventsLength),
      row: { seq, batches: 1, length, lastEvent, held: this.#held },
    }
  }

  /** The mark of a gap stays until a batch tells the end, so that a kill in between leaves it open. */
  #isKept(row: FactRow): boolean {
    return this.#gap.isOpen && this.#inTurn === null && row === this.#rows.all.at(-1)
  }

  /** Deletes batches that the follower has stored, and the oldest ones if there are too many. */
  #deleteReleased(): void {
    let length = this.#rows.length + (this.#inTurn?.row.length ?? 0)
    let freed = 0
    const most = MAX_FREED_PER_TURN + 2 * this.#held.length
    for (const row of this.#rows.all) {
      const isDropped = row.seq > this.#released
      if (isDropped && length <= this.#maxLength) break
      if (this.#deleted >= MAX_DELETED_PER_TURN || freed >= most) break
      if (this.#isKept(row)) break
      for (const event of row.held) this.#deleteEvent.run(event)
      this.#deleted++
      if (isDropped) this.#lost += row.batches
      length -= row.length
      freed += row.held.length
    }
    const last = this.#rows.all[this.#deleted - 1]
    if (last !== undefined) this.#deleteThrough.run(last.seq)
  }
}

const numberedBatch = (seq: number, token: string, text: string, eventsLength: number): NumberedBatch => ({
  seq,
  token,
  position: token,
  text,
  eventsLength,
})
