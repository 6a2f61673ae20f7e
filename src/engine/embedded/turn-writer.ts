import type { FailureReason, FailureRecord } from "../../event/failure.ts"
import { PublishError } from "../errors.ts"
import { decodeFailure } from "../failure-record.ts"
import type { Report } from "../report.ts"
import { Burials, type OnBuried } from "./burials.ts"
import type { DiskRoom } from "./disk-room.ts"
import type { Message } from "./message-statements.ts"
import type { CorruptMessage, MessageStore, TakenMessage } from "./message-store.ts"
import type { Consumer, Queue } from "./queue.ts"
import type { QueueCatalog } from "./queue-catalog.ts"
import type { StoreClock } from "./store-clock.ts"
import { StoreDamagedError } from "./store-damage.ts"
import type { PendingPublish, PendingSettlement, Turn } from "./turn.ts"
import { unroutable } from "./turn-failure.ts"

/** A message that was taken for a consumer. */
export interface Claim {
  readonly message: TakenMessage
  readonly queue: Queue
  readonly consumer: Consumer
}

export interface WrittenTurn {
  /** Counts the turns of the store. A turn that changed nothing has the number of the one before. */
  readonly number: number
  /** Each publish, with why it was refused, or null where it is stored. */
  readonly publishes: readonly { readonly pending: PendingPublish; readonly error: PublishError | null }[]
  readonly claims: readonly Claim[]
  /** Whether the turn stopped at a bound, and another should follow at once. */
  readonly hasMore: boolean
}

/** Messages that become due, or expire, in one turn and queue at the most: a turn stays short. */
const MAX_MOVED_PER_TURN = 1_000

/** Longest delay of a retry, in milliseconds: a year. */
const MAX_DELAY_MS = 365 * 86_400_000

/**
 * How often every queue is looked through for expired events, in milliseconds. One without a consumer can
 * keep an expired event for that long; a consumer never gets one.
 */
export const EXPIRY_INTERVAL_MS = 500

/** What is written to learn whether the disk has room again, in bytes: about a turn of common events. */
const PROBE_BYTES = 65_536

export interface TurnWriterOptions {
  readonly store: MessageStore
  readonly catalog: QueueCatalog
  readonly clock: StoreClock
  readonly room: DiskRoom
  /** The number of the store's last turn. */
  readonly turn: number
  readonly report: Report
  readonly onBuried: OnBuried | undefined
}

/** Writes a turn in one transaction. The order within it is the order in which a user would expect effects. */
export class TurnWriter {
  readonly #store: MessageStore
  readonly #catalog: QueueCatalog
  readonly #clock: StoreClock
  readonly #room: DiskRoom
  readonly #report: Report
  #nextDueAt: number | null
  #expiredAt = Number.NEGATIVE_INFINITY
  #hasMore = false
  #number: number
  /** Of this turn, with what is told of each. */
  #corrupt: Readonly<Record<string, unknown>>[] = []
  readonly #burials: Burials

  constructor({ store, catalog, clock, room, turn, report, onBuried }: TurnWriterOptions) {
    this.#burials = new Burials(report, onBuried)
    this.#store = store
    this.#catalog = catalog
    this.#clock = clock
    this.#room = room
    this.#number = turn
    this.#report = report
    this.#nextDueAt = store.nextDueAt()
  }

  /** That of the store's last turn. */
  get number(): number {
    return this.#number
  }

  /** When the next delayed message is due, by the store's clock. */
  get nextDueAt(): number | null {
    return this.#nextDueAt
  }

  /** @throws {SQLiteError} where it could not be written; then nothing of it was. */
  write(turn: Turn): WrittenTurn {
    const now = this.#clock.now()
    const publishes: { pending: PendingPublish; error: PublishError | null }[] = []
    const claims: Claim[] = []
    this.#hasMore = false
    if (turn.publishes.length > 0) this.#room.beforeTurn()
    this.#corrupt = []
    this.#burials.begin()
    for (const { consumer } of turn.settlements) consumer.unsettled--
    try {
      this.#store.transaction(() => {
        for (const pending of turn.settlements) this.#settle(pending, now)
        for (const { write } of turn.operations) write(now)
        for (const pending of turn.publishes) publishes.push({ pending, error: this.#publish(pending, now) })
        this.#store.flush()
        this.#promoteDue(now)
        this.#expireAll(now)
        for (const queue of this.#catalog.all()) this.#claim(queue, claims, now)
        const isEmpty = turn.isEmpty && claims.length === 0
        if (!isEmpty) this.#store.countTurn(this.#number + 1)
        this.#clock.keepMark({ isEmpty })
      })
    } catch (error) {
      for (const { consumer } of turn.settlements) consumer.unsettled++
      throw error
    }
    for (const { consumer } of claims) consumer.unsettled++
    if (!turn.isEmpty || claims.length > 0) this.#number++
    this.#burials.written()
    for (const fields of this.#corrupt)
      this.#report("error", "an event is corrupt, and now a dead letter", fields)
    return { number: this.#number, publishes, claims, hasMore: this.#hasMore }
  }

  /**
   * Writes something. While the disk is short of room that is a single row, for which the database does not grow: such a
   * store can still settle, in the room that its log has.
   * @throws {SQLiteError} while the disk takes no writes.
   */
  probe(): void {
    this.#store.transaction(() => this.#store.probe(this.#room.shortage === null ? PROBE_BYTES : 0))
    this.#nextDueAt = this.#store.nextDueAt()
  }

  #settle({ settlement, message, queue }: PendingSettlement, now: number): void {
    switch (settlement.kind) {
      case "ack":
        this.#store.settle(message)
        break
      case "release": {
        queue.ready++
        const { tried } = settlement
        this.#store.release(message, tried && { ...tried, failure: this.#room.fit(tried.failure) })
        break
      }
      case "retry": {
        const dueAt = Math.ceil(now + boundDelay(settlement.delayMs))
        this.#nextDueAt = Math.min(this.#nextDueAt ?? dueAt, dueAt)
        this.#store.delay(message, dueAt, this.#room.fit(settlement.failure))
        break
      }
      case "dead-letter":
        queue.deadLetters++
        this.#store.buryUnsettled(message, this.#room.fit(settlement.failure))
        break
    }
  }

  /** All of the event's queues take it, or none does. */
  #publish({ stored, routingKey, priority, ...publish }: PendingPublish, now: number): PublishError | null {
    const queues = present(publish.queues)
    if (queues.length === 0) return unroutable(routingKey)
    const full = queues.find((queue) => isFull(queue) && queue.declaration.overflow === "reject-publish")
    if (full !== undefined) {
      const { name, maxLength } = full.declaration
      const reason = `the queue ${name} is full: ${maxLength} events wait in it`
      return new PublishError("queue-full", reason, "not-stored", { queue: name })
    }
    const shortage = this.#room.take(stored.body, queues.length)
    if (shortage !== null) return new PublishError("engine-unavailable", shortage)
    for (const queue of queues) {
      this.#makeRoom(queue)
      queue.ready++
    }
    this.#store.append(stored, queues, priority, now)
    return null
  }

  /** A queue that was given a lower limit, or got deliveries back, can have more than one too many. */
  #makeRoom(queue: Queue): void {
    if (!isFull(queue)) return
    // The oldest may be one of this turn.
    this.#store.flush()
    for (let dropped = 0; isFull(queue) && dropped < MAX_MOVED_PER_TURN; dropped++) {
      const oldest = this.#store.oldest(queue.id)
      if (oldest === null) return
      this.#buryReady(queue, oldest, "overflow")
    }
  }

  #promoteDue(now: number): void {
    if (this.#nextDueAt === null || this.#nextDueAt > now) return
    const promoted = this.#store.promoteDue(now, MAX_MOVED_PER_TURN)
    for (const queue of this.#catalog.all()) {
      for (const id of promoted) if (id === queue.id) queue.ready++
    }
    this.#nextDueAt = this.#store.nextDueAt()
  }

  /** Looks at the heads of every queue, but not in every turn: most have nothing to expire. */
  #expireAll(now: number): void {
    if (now - this.#expiredAt < EXPIRY_INTERVAL_MS) return
    this.#expiredAt = now
    for (const queue of this.#catalog.all()) this.#expire(queue, now)
  }

  #expire(queue: Queue, now: number): void {
    const queuedBy = now - queue.declaration.ttlMs
    for (let moved = 0; moved < MAX_MOVED_PER_TURN && queue.ready > 0; ) {
      const expired = this.#store.headsQueuedBy(queue.id, queuedBy)
      if (expired.length === 0) return
      for (const message of expired) this.#buryReady(queue, message, "expired")
      moved += expired.length
    }
    this.#stopAtBound(queue)
  }

  /** What is left of this work goes into the next turn, so that this one stays short. */
  #stopAtBound(queue: Queue): void {
    if (queue.ready === 0) return
    this.#hasMore = true
    this.#expiredAt = Number.NEGATIVE_INFINITY
  }

  /** Gives each consumer what it has credit for, and never an event that waited too long. */
  #claim(queue: Queue, claims: Claim[], now: number): void {
    const queuedBy = now - queue.declaration.ttlMs
    for (const consumer of queue.consumers) {
      let credit = consumer.prefetch - consumer.unsettled
      let left = MAX_MOVED_PER_TURN
      while (credit > 0 && left > 0 && queue.ready > 0) {
        const wanted = Math.min(credit, queue.ready)
        const { messages, corrupt } = this.#store.take(queue.id, wanted)
        const count = messages.length + corrupt.length
        if (count < wanted)
          throw new StoreDamagedError(`${queue.declaration.name} has fewer events than it had`)
        queue.ready -= count
        left -= count
        for (const each of corrupt) this.#buryCorrupt(queue, each)
        for (const message of messages) {
          if (message.queuedAt <= queuedBy) this.#buryExpired(queue, message)
          else {
            claims.push({ message, queue, consumer })
            credit--
          }
        }
      }
      if (credit > 0 && left <= 0) this.#stopAtBound(queue)
    }
  }

  #buryReady(queue: Queue, message: Message, reason: FailureReason): void {
    const failure = endWithoutAttempt(message, message.attempt, reason, this.#clock.wallNow())
    this.#store.buryReady(message, failure)
    this.#burials.note(queue.declaration.name, reason)
    queue.ready--
    queue.deadLetters++
  }

  #buryCorrupt(queue: Queue, { message, eventId, fault }: CorruptMessage): void {
    const failure = endWithoutAttempt(message, message.attempt, "corrupt", this.#clock.wallNow())
    this.#store.buryReady(message, { ...failure, error: { name: "CorruptEvent", message: fault } })
    queue.deadLetters++
    this.#burials.note(queue.declaration.name, "corrupt")
    this.#corrupt.push({ queue: queue.declaration.name, event: message.event, event_id: eventId, fault })
  }

  /** It had been taken, but nobody has seen it: that was no attempt. */
  #buryExpired(queue: Queue, message: Message): void {
    const failure = endWithoutAttempt(message, message.attempt - 1, "expired", this.#clock.wallNow())
    this.#store.buryUnsettled(message, failure)
    this.#burials.note(queue.declaration.name, "expired")
    queue.deadLetters++
  }
}

/** What SQLite can keep as a time, whatever was asked for. */
function boundDelay(delayMs: number): number {
  return Number.isNaN(delayMs) ? 0 : Math.min(MAX_DELAY_MS, Math.max(0, delayMs))
}

/** Without the queues that were deleted after the event was routed. */
const present = (queues: readonly Queue[]): readonly Queue[] =>
  queues.some(({ isDeleted }) => isDeleted) ? queues.filter(({ isDeleted }) => !isDeleted) : queues

const isFull = (queue: Queue): boolean => queue.ready >= queue.declaration.maxLength

/** The record of an event that ends without a handler; an error of an attempt before is kept. */
function endWithoutAttempt(
  message: Message,
  attempts: number,
  reason: FailureReason,
  now: number,
): FailureRecord {
  const before = decodeFailure(message.failure)
  return {
    reason,
    attempts,
    firstFailedAt: before?.firstFailedAt ?? now,
    lastFailedAt: now,
    error: before?.error ?? null,
    module: before?.module ?? null,
  }
}
