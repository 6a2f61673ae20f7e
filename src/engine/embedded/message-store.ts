import type { Database } from "bun:sqlite"
import type { FailureRecord } from "../../event/failure.ts"
import { PRIORITY_LEVELS } from "../../event/priority.ts"
import type { Tried } from "../engine.ts"
import { Appender } from "./appender.ts"
import { checksumOf, onQueue, type StoredEvent } from "./checksum.ts"
import { faultOf, idIn, isIntact, readable } from "./examined-event.ts"
import { type Message, type MessageKey, prepare, type Statements } from "./message-statements.ts"
import { requireOne } from "./store-damage.ts"

/** Where a message stands. Dead letters have a table of their own. */
const READY = 0
const UNSETTLED = 1
const DELAYED = 2

/** Messages that nobody holds: they wait to be delivered, or for a retry. */
export type WaitingState = "ready" | "delayed"

const LEVELS = Object.values(PRIORITY_LEVELS)

export type TakenMessage = Message & StoredEvent

/** A message whose event is not what was stored. It stays where it was. */
export interface CorruptMessage {
  readonly message: Message
  readonly eventId: string | null
  readonly fault: string
}

/** What was at the front of a queue. */
export interface Taken {
  readonly messages: readonly TakenMessage[]
  readonly corrupt: readonly CorruptMessage[]
}

/**
 * Numbers of events are this far apart. A pointer of which one byte changed then points to no event, not to another
 * one: 257 is prime, and no byte that changes makes a multiple of it. (Such codes are called AN codes.)
 */
const EVENT_STEP = 257

/**
 * The messages of every queue, in SQL. Each call is a few seeks, whatever the depth of the queue. It begins
 * and commits nothing: the engine does, once for all the calls of a turn.
 */
export class MessageStore {
  readonly #sql: Statements
  readonly #database: Database
  readonly #appender: Appender
  #lastEvent: number
  #lastPosition: number
  #messageCount: number

  constructor(database: Database) {
    this.#database = database
    this.#sql = prepare(database)
    this.#appender = new Appender(database)
    this.#lastEvent = this.#sql.lastEvent.get()?.value ?? 0
    this.#lastPosition = this.#sql.lastDeadLetterPosition.get()?.value ?? 0
    this.#messageCount = this.#sql.countAll.get()?.value ?? 0
  }

  /** How many messages there are on all queues, in whatever state; dead letters are none. */
  get messageCount(): number {
    return this.#messageCount
  }

  /** The position of the message that was stored last, on whatever queue. */
  get lastPosition(): number {
    return this.#lastPosition
  }

  /** Makes what was unsettled when the last process died ready again, and learns which positions are used. */
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
   * Stores an event on each of the queues, behind what waits there with the same priority. It is there for the
   * other calls once `flush` was called.
   */
  append(
    stored: StoredEvent,
    queues: readonly { readonly id: number }[],
    priority: number,
    now: number,
  ): void {
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

  /** Inserts what was appended. */
  flush(): void {
    this.#appender.insert()
  }

  /** Puts a stored event on a queue again, behind what waits there. Its body may be another queue's too. */
  requeue(queue: number, event: number, priority: number, now: number): void {
    this.#appender.addMessage(queue, READY, priority, ++this.#lastPosition, event, 1, now)
    this.#messageCount++
    this.#appender.insert()
  }

  /** Takes up to `limit` ready messages off the front of a queue, counting the attempt. Corrupt ones are left there. */
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

  /** Removes a message that was handled. */
  settle(message: Message): void {
    requireOne(this.#sql.deleteMessage.run(message.queue, UNSETTLED, message.priority, message.position))
    this.#messageCount--
    this.#dropEvent(message)
  }

  /** Puts a message back to where it was taken from. The attempt does not count, but what was tried does. */
  release(message: Message, tried: Tried | null): void {
    const { position, queuedAt } = message
    const attempt = tried?.attempts ?? message.attempt - 1
    const failure = tried === null ? message.failure : JSON.stringify(tried.failure)
    this.#move(message, UNSETTLED, READY, position, attempt, queuedAt, null, failure)
  }

  /** Keeps a message back until it is due. */
  delay(message: Message, dueAt: number, failure: FailureRecord): void {
    const { position, attempt, queuedAt } = message
    this.#move(message, UNSETTLED, DELAYED, position, attempt, queuedAt, dueAt, JSON.stringify(failure))
  }

  /** Puts delayed messages that are due behind what waits on their queues. Returns the queues, one for each. */
  promoteDue(now: number, limit: number): readonly number[] {
    return this.#sql.due.all(now, limit).map((message) => {
      this.#move(message, DELAYED, READY, ++this.#lastPosition, message.attempt, now, null, message.failure)
      return message.queue
    })
  }

  /** When the next delayed message is due, by the store's clock. */
  nextDueAt(): number | null {
    return this.#sql.nextDue.get()?.value ?? null
  }

  /** The ready message that has waited longest, whatever its priority. */
  oldest(queue: number): Message | null {
    let oldest: Message | null = null
    for (const level of LEVELS) {
      const head = this.#sql.head.get(queue, READY, level)
      if (head !== null && (oldest === null || head.position < oldest.position)) oldest = head
    }
    return oldest
  }

  /** The ready messages, one for each priority at most, that have waited longest and were queued by `by`. */
  headsQueuedBy(queue: number, by: number): readonly Message[] {
    return LEVELS.flatMap((level) => {
      const head = this.#sql.head.get(queue, READY, level)
      return head !== null && head.queuedAt <= by ? [head] : []
    })
  }

  /** Makes a ready message a dead letter. */
  buryReady(message: Message, failure: FailureRecord): void {
    this.#bury(message, READY, failure)
  }

  /** Makes a message that a consumer holds a dead letter. */
  buryUnsettled(message: Message, failure: FailureRecord): void {
    this.#bury(message, UNSETTLED, failure)
  }

  /** Deletes up to `limit` messages that are in this state and not behind a position; returns how many. */
  discard(queue: number, state: WaitingState, through: number, limit: number): number {
    const from = state === "ready" ? READY : DELAYED
    const messages = this.#sql.waitingThrough.all(queue, from, through, limit)
    for (const message of messages) {
      requireOne(this.#sql.deleteMessage.run(queue, from, message.priority, message.position))
      this.#dropEvent(message)
    }
    this.#messageCount -= messages.length
    return messages.length
  }

  /** Whether a consumer, or one that was cancelled, holds a message of the queue. */
  hasUnsettled(queue: number): boolean {
    return this.#sql.anyInState.get(queue, UNSETTLED) !== null
  }

  /** Counts by walking what waits for a retry. */
  countDelayed(queue: number): number {
    return this.#sql.countMessages.get(queue, DELAYED)?.value ?? 0
  }

  /** Counts by walking the whole queue: for the start, and after a turn that failed. */
  countReady(queue: number): number {
    return this.#sql.countMessages.get(queue, READY)?.value ?? 0
  }

  /** Counts by walking all of the queue's dead letters. */
  countDeadLetters(queue: number): number {
    return this.#sql.countDeadLetters.get(queue)?.value ?? 0
  }

  /** Writes as much as a publish may need, to learn whether the disk takes it. */
  probe(bytes: number): void {
    this.#sql.probe.run(bytes)
  }

  /** Says how many turns the store has, this one included. */
  countTurn(number: number): void {
    this.#sql.countTurn.run(number)
  }

  /** Runs everything in one transaction. It is durable once the log is synced. */
  transaction(work: () => void): void {
    this.#sql.begin.run()
    const messageCount = this.#messageCount
    try {
      work()
      this.#sql.commit.run()
    } catch (error) {
      this.#appender.discard()
      this.#messageCount = messageCount
      // SQLite rolls back by itself after some faults, a full disk among them.
      if (this.#database.inTransaction) this.#sql.rollback.run()
      throw error
    }
  }

  close(): void {
    for (const statement of Object.values(this.#sql)) statement.finalize()
    this.#appender.close()
  }

  #bury(message: Message, from: number, failure: FailureRecord): void {
    const { queue, priority, position, event } = message
    requireOne(this.#sql.deleteMessage.run(queue, from, priority, position))
    this.#messageCount--
    this.#sql.insertDeadLetter.run(++this.#lastPosition, queue, event, priority, JSON.stringify(failure))
  }

  /** The state and position are part of the key: SQLite moves the row from one place to the other. */
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

  /** Deletes an event that no queue and no dead letter holds any more. */
  dropEventIfFree(event: number): void {
    this.#sql.deleteEventIfFree.run(event)
  }

  #dropEvent(message: Message): void {
    if (message.shared === 0) this.#sql.deleteEvent.run(message.event)
    else this.dropEventIfFree(message.event)
  }
}
