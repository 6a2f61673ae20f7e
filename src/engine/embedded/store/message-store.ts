import type { Database } from "bun:sqlite"
import type { DeadLetterFailure, RetryFailure } from "../../../event/failure.ts"
import { PRIORITY_LEVELS } from "../../../event/priority.ts"
import type { Tried } from "../../engine.ts"
import { Appender } from "./appender.ts"
import { checksumOf, EVENT_STEP, type NewEvent, onQueue } from "./checksum.ts"
import type { EventHolder } from "./event-holder.ts"
import { faultOf, idIn, isIntact, readable } from "./examined-event.ts"
import { type Message, type MessageKey, prepare, type Statements } from "./message-statements.ts"
import { withoutHops } from "./origin-text.ts"
import type { EventCounts } from "./queue.ts"
import { requireOne, StoreDamagedError } from "./store-damage.ts"
import type { CorruptMessage, Taken, TakenMessage } from "./taken-messages.ts"

/** States of a message. Dead letters have their own table. */
const READY = 0
const UNSETTLED = 1
const DELAYED = 2

/** Messages that no consumer holds: they wait for delivery or for a retry. */
export type WaitingState = "ready" | "delayed"

/** Messages to delete: up to `limit`, up to the position `through`. */
export interface Discard extends Record<"queue" | "through" | "limit", number> {
  readonly state: WaitingState
}

const LEVELS = Object.values(PRIORITY_LEVELS)

/**
 * The messages of every queue, in SQL. Each call takes a few seeks, whatever the depth of the queue. It does
 * not begin or commit transactions: the engine does, once for all calls of a turn.
 */
export class MessageStore {
  readonly #sql: Statements
  readonly #database: Database
  readonly #appender: Appender
  readonly #holder: EventHolder | null
  #lastEvent: number
  #lastPosition: number
  #messageCount: number

  /** @param holder null if every event is deleted with its last message or dead letter */
  constructor(database: Database, holder: EventHolder | null) {
    this.#database = database
    this.#holder = holder
    this.#sql = prepare(database)
    this.#appender = new Appender(database)
    this.#lastEvent = this.#sql.lastEvent.get()?.value ?? 0
    this.#lastPosition = this.#sql.lastDeadLetterPosition.get()?.value ?? 0
    this.#messageCount = this.#sql.countAll.get()?.value ?? 0
  }

  /** Number of messages on all queues, in any state, without dead letters. */
  get messageCount(): number {
    return this.#messageCount
  }

  /** Number of the event that was appended last. */
  get lastEvent(): number {
    return this.#lastEvent
  }

  /** Position of the message that was stored last, on any queue. */
  get lastPosition(): number {
    return this.#lastPosition
  }

  /**
   * Makes messages ready that were unsettled when the last process died, and reads which positions are used.
   */
  recover(queue: number): void {
    for (const message of this.#sql.inState.all(queue, UNSETTLED)) {
      this.#move(
        message,
        UNSETTLED,
        READY,
        message.position,
        message.attempt,
        message.queuedAt,
        null,
        message.failure,
      )
    }
    for (const state of [READY, DELAYED]) {
      for (const level of LEVELS) {
        const row = this.#sql.lastPosition.get(queue, state, level)
        this.#lastPosition = Math.max(this.#lastPosition, row?.value ?? 0)
      }
    }
  }

  /**
   * Stores an event on each of the queues, behind waiting messages of the same priority. Other calls see it
   * after `flush`.
   */
  append(stored: NewEvent, queues: readonly { readonly id: number }[], priority: number, now: number): void {
    this.#lastEvent += EVENT_STEP
    const event = this.#lastEvent
    const checksum = checksumOf(stored.body, stored.trace, { event, priority })
    const [only] = queues
    const shared = queues.length > 1 ? 1 : 0
    this.#messageCount += queues.length
    this.#appender.addEvent(
      event,
      stored,
      only === undefined || shared === 1 ? checksum : onQueue(checksum, only.id),
    )
    for (const { id } of queues) {
      this.#appender.addMessage(id, READY, priority, ++this.#lastPosition, event, shared, now)
    }
  }

  /** Inserts the appended messages. */
  flush(): void {
    this.#appender.insert()
  }

  /**
   * Puts an event that left the dead letters on a queue again, behind waiting messages. Other queues may share its body,
   * and its hops, so an event with hops is stored again without them. A body that is not null replaces the event's own.
   */
  requeue(
    queue: number,
    { event, priority, trace }: Pick<TakenMessage, "event" | "priority" | "trace">,
    now: number,
    body: string | null,
  ): void {
    const reset = withoutHops(trace)
    if (reset !== trace || body !== null) {
      const stored = { body: body ?? this.#bodyOf(event), trace: reset, layout: null }
      this.append(stored, [{ id: queue }], priority, now)
      this.#appender.insert()
      this.dropEventIfFree(event)
      return
    }
    this.#appender.addMessage(queue, READY, priority, ++this.#lastPosition, event, 1, now)
    this.#messageCount++
    this.#appender.insert()
  }

  /**
   * Takes up to `limit` ready messages from the front of a queue and counts their attempts. Leaves corrupt
   * ones there.
   */
  take(queue: number, limit: number): Taken {
    const messages: TakenMessage[] = []
    const corrupt: CorruptMessage[] = []
    for (const row of this.#sql.front.all(queue, READY, limit)) {
      if (!isIntact(row, row)) {
        corrupt.push({ message: row, eventId: idIn(readable(row.body)), fault: faultOf(row) })
        continue
      }
      const { priority, position, event, shared, queuedAt, failure, body, trace } = row
      const attempt = row.attempt + 1
      this.#move(row, READY, UNSETTLED, position, attempt, queuedAt, null, failure)
      messages.push({ queue, priority, position, event, shared, attempt, queuedAt, failure, body, trace })
    }
    return { messages, corrupt }
  }

  /** Removes a handled message. */
  settle(message: Message): void {
    requireOne(this.#sql.deleteMessage.run(message.queue, UNSETTLED, message.priority, message.position))
    this.#messageCount--
    this.#dropEvent(message)
  }

  /** Puts a message back in its place. The attempt does not count, except for attempts in `tried`. */
  release(message: Message, tried: Tried | null): void {
    const { position, queuedAt } = message
    const attempt = tried?.attempts ?? message.attempt - 1
    const failure = tried === null ? message.failure : JSON.stringify(tried.failure)
    this.#move(message, UNSETTLED, READY, position, attempt, queuedAt, null, failure)
  }

  /** Delays a message until it is due. */
  delay(message: Message, dueAt: number, failure: RetryFailure): void {
    const { position, attempt, queuedAt } = message
    this.#move(message, UNSETTLED, DELAYED, position, attempt, queuedAt, dueAt, JSON.stringify(failure))
  }

  /** Moves due messages behind the waiting ones of their queues. Returns the queue of each moved message. */
  promoteDue(now: number, limit: number): readonly number[] {
    return this.#sql.due.all(now, limit).map((message) => {
      this.#move(message, DELAYED, READY, ++this.#lastPosition, message.attempt, now, null, message.failure)
      return message.queue
    })
  }

  /** Returns when the next delayed message is due, on the store's clock. */
  nextDueAt(): number | null {
    return this.#sql.nextDue.get()?.value ?? null
  }

  /** Returns the ready message that has waited longest, whatever its priority. */
  oldest(queue: number): Message | null {
    let oldest: Message | null = null
    for (const level of LEVELS) {
      const head = this.#sql.head.get(queue, READY, level)
      if (head !== null && (oldest === null || head.position < oldest.position)) oldest = head
    }
    return oldest
  }

  /**
   * Returns, for each priority, the ready message that has waited longest, if it was queued at or before
   * `by`.
   */
  headsQueuedBy(queue: number, by: number): readonly Message[] {
    return LEVELS.flatMap((level) => {
      const head = this.#sql.head.get(queue, READY, level)
      return head !== null && head.queuedAt <= by ? [head] : []
    })
  }

  /** Makes a ready message a dead letter. */
  buryReady(message: Message, failure: DeadLetterFailure): void {
    this.#bury(message, READY, failure)
  }

  /** Makes a message held by a consumer a dead letter. */
  buryUnsettled(message: Message, failure: DeadLetterFailure): void {
    this.#bury(message, UNSETTLED, failure)
  }

  /** Deletes messages, and calls `onDiscard` with the event of each before. Returns their number. */
  discard({ queue, state, through, limit }: Discard, onDiscard: (event: number) => void): number {
    const from = state === "ready" ? READY : DELAYED
    const messages = this.#sql.waitingThrough.all(queue, from, through, limit)
    for (const message of messages) {
      onDiscard(message.event)
      requireOne(this.#sql.deleteMessage.run(queue, from, message.priority, message.position))
      this.#dropEvent(message)
    }
    this.#messageCount -= messages.length
    return messages.length
  }

  /** Returns whether a consumer, even a cancelled one, holds a message of the queue. */
  hasUnsettled(queue: number): boolean {
    return this.#sql.anyInState.get(queue, UNSETTLED) !== null
  }

  /** Counts by walking the whole queue. Used at the start and after a failed turn. */
  counts(queue: number): EventCounts {
    const inState = (state: number): number => this.#sql.countMessages.get(queue, state)?.value ?? 0
    return {
      ready: inState(READY),
      unsettled: inState(UNSETTLED),
      delayed: inState(DELAYED),
      deadLetters: this.#sql.countDeadLetters.get(queue)?.value ?? 0,
    }
  }

  /** Writes as much as a publish may need, to find out whether the disk has room. */
  probe(bytes: number): void {
    this.#sql.probe.run(bytes)
  }

  /**
   * Stores the number of turns, including this one.
   * @param recorded number of the last event whose publication the facts tell of, if they tell of every one
   */
  countTurn(number: number, recorded: number): void {
    this.#sql.countTurn.run(number, recorded)
  }

  /** Runs the work in one transaction. It is durable when the log is synced. */
  transaction(work: () => void): void {
    this.#sql.begin.run()
    const messageCount = this.#messageCount
    try {
      work()
      this.#sql.commit.run()
    } catch (error) {
      this.#appender.discard()
      this.#messageCount = messageCount
      // SQLite itself rolls back after some errors, for example a full disk.
      if (this.#database.inTransaction) this.#sql.rollback.run()
      throw error
    }
  }

  close(): void {
    for (const statement of Object.values(this.#sql)) statement.finalize()
    this.#appender.close()
  }

  #bury(message: Message, from: number, failure: DeadLetterFailure): void {
    const { queue, priority, position, event } = message
    requireOne(this.#sql.deleteMessage.run(queue, from, priority, position))
    this.#messageCount--
    this.#sql.insertDeadLetter.run(++this.#lastPosition, queue, event, priority, JSON.stringify(failure))
  }

  /** The state and position are part of the key, so SQLite moves the row. */
  #move(
    key: MessageKey,
    from: number,
    to: number,
    position: number,
    attempt: number,
    queuedAt: number,
    dueAt: number | null,
    failure: string | null,
  ): void {
    const { queue, priority } = key
    requireOne(
      this.#sql.move.run(
        to,
        position,
        attempt,
        queuedAt,
        dueAt,
        failure,
        queue,
        from,
        priority,
        key.position,
      ),
    )
  }

  /** Returns the id of an event; null if it can't be read. */
  idOf(event: number): string | null {
    return idIn(readable(this.#sql.body.get(event)?.body))
  }

  /** Deletes an event that no queue and no dead letter refers to. */
  dropEventIfFree(event: number): void {
    if (!this.#holder?.isNeeded(event)) this.#sql.deleteEventIfFree.run(event)
    else if (this.#sql.freeEvent.get(event) !== null) this.#holder.hold(event)
  }

  #bodyOf(event: number): string {
    const row = this.#sql.body.get(event)
    if (row === null) throw new StoreDamagedError(`the event ${event} is missing`)
    return row.body
  }

  #dropEvent(message: Message): void {
    if (message.shared !== 0) this.dropEventIfFree(message.event)
    else if (this.#holder?.isNeeded(message.event)) this.#holder.hold(message.event)
    else this.#sql.deleteEvent.run(message.event)
  }
}
