import type { DeadLetterFailure, DeadLetterReason } from "../../../event/failure.ts"
import { storableDelay } from "../../../event/retry-bounds.ts"
import { PublishError, unroutable } from "../../errors.ts"
import { decodeRetryFailure } from "../../failure-record.ts"
import type { Report } from "../../report.ts"
import type { DiskRoom } from "../store/disk-room.ts"
import type { FactStore } from "../store/fact-store.ts"
import type { Message } from "../store/message-statements.ts"
import type { CorruptMessage, MessageStore, TakenMessage } from "../store/message-store.ts"
import type { Consumer, Queue } from "../store/queue.ts"
import type { QueueCatalog } from "../store/queue-catalog.ts"
import type { StoreClock } from "../store/store-clock.ts"
import { StoreDamagedError } from "../store/store-damage.ts"
import { Burials, type OnBuried } from "./burials.ts"
import type { PendingPublish, PendingSettlement, Turn } from "./turn.ts"

/** A message taken for a consumer. */
export interface Claim {
  readonly message: TakenMessage
  readonly queue: Queue
  readonly consumer: Consumer
}

export interface WrittenTurn {
  /** Number of the store's last turn. A turn that changes nothing keeps the number of the previous one. */
  readonly number: number
  /** Each publish with its error, or null if it is stored. */
  readonly publishes: readonly { readonly pending: PendingPublish; readonly error: PublishError | null }[]
  readonly claims: readonly Claim[]
  /** True if the turn stopped at a bound and another one should follow at once. */
  readonly hasMore: boolean
}

/** Most messages that become due or expire in one turn and queue, so that a turn stays short. */
const MAX_MOVED_PER_TURN = 1_000

/**
 * Interval at which all queues are checked for expired events, in milliseconds. A queue without a consumer
 * can hold an expired event for that long; a consumer never receives one.
 */
export const EXPIRY_INTERVAL_MS = 500

/** Bytes written to find out whether the disk has room again: about one turn of common events. */
const PROBE_BYTES = 65_536

export interface TurnWriterOptions {
  readonly messages: MessageStore
  readonly catalog: QueueCatalog
  readonly clock: StoreClock
  readonly room: DiskRoom
  /** Null if nothing records what became of each event. */
  readonly facts: FactStore | null
  /** Number of the store's last turn. */
  readonly turn: number
  readonly report: Report
  readonly onBuried: OnBuried | undefined
}

/** Writes a turn in one transaction, in the order that a user expects. */
export class TurnWriter {
  readonly #store: MessageStore
  readonly #catalog: QueueCatalog
  readonly #clock: StoreClock
  readonly #room: DiskRoom
  readonly #facts: FactStore | null
  readonly #report: Report
  #nextDueAt: number | null
  #expiredAt = Number.NEGATIVE_INFINITY
  #hasMore = false
  #number: number
  /** Corrupt events of this turn, as log fields. */
  #corrupt: Readonly<Record<string, unknown>>[] = []
  readonly #burials: Burials

  constructor({ messages, catalog, clock, room, facts, turn, report, onBuried }: TurnWriterOptions) {
    this.#burials = new Burials(report, onBuried)
    this.#store = messages
    this.#catalog = catalog
    this.#clock = clock
    this.#room = room
    this.#facts = facts
    this.#number = turn
    this.#report = report
    this.#nextDueAt = messages.nextDueAt()
  }

  /** Number of the store's last turn. */
  get number(): number {
    return this.#number
  }

  /** When the next delayed message is due, on the store's clock. */
  get nextDueAt(): number | null {
    return this.#nextDueAt
  }

  /** @throws {SQLiteError} if the turn can't be written. Nothing of it is written then. */
  write(turn: Turn): WrittenTurn {
    const now = this.#clock.now()
    const publishes: { pending: PendingPublish; error: PublishError | null }[] = []
    const claims: Claim[] = []
    this.#hasMore = false
    if (turn.publishes.length > 0) this.#room.beforeTurn()
    this.#corrupt = []
    this.#burials.begin()
    this.#facts?.begin()
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
        // While the disk is short, its room is for the events.
        if (this.#room.shortage === null) this.#facts?.write()
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
      this.#report("error", "corrupt event moved to the dead letters", fields)
    return { number: this.#number, publishes, claims, hasMore: this.#hasMore }
  }

  /**
   * Tries a write. While the disk is short of space it writes a single row, for which the database does not
   * grow: such a store can still settle within the space of its log.
   * @throws {SQLiteError} while the disk accepts no writes.
   */
  probe(): void {
    this.#store.transaction(() => this.#store.probe(this.#room.shortage === null ? PROBE_BYTES : 0))
    this.#nextDueAt = this.#store.nextDueAt()
  }

  #settle({ settlement, message, queue }: PendingSettlement, now: number): void {
    if (settlement.fact !== undefined) this.#facts?.note(settlement.fact)
    queue.unsettled--
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
        const dueAt = Math.ceil(now + storableDelay(settlement.delayMs))
        this.#nextDueAt = Math.min(this.#nextDueAt ?? dueAt, dueAt)
        queue.delayed++
        this.#store.delay(message, dueAt, this.#room.fit(settlement.failure))
        break
      }
      case "dead-letter":
        queue.deadLetters++
        this.#store.buryUnsettled(message, this.#room.fit(settlement.failure))
        break
    }
  }

  /** Stores the event on all of its queues or on none. */
  #publish(pending: PendingPublish, now: number): PublishError | null {
    const { stored } = pending
    const queues = present(pending.queues)
    if (queues.length === 0) return unroutable(pending.routingKey)
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
    this.#store.append(stored, queues, pending.priority, now)
    this.#facts?.notePublished(queues, pending, this.#clock.wallNow())
    return null
  }

  /**
   * Drops the oldest events of a full queue. After its limit was lowered or deliveries were returned, more
   * than one may be too many.
   */
  #makeRoom(queue: Queue): void {
    if (!isFull(queue)) return
    // The oldest event may belong to this turn.
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
      const count = promoted.reduce((sum, id) => sum + Number(id === queue.id), 0)
      queue.delayed -= count
      queue.ready += count
    }
    this.#nextDueAt = this.#store.nextDueAt()
  }

  /** Checks the heads of every queue, but not in every turn, because most have nothing to expire. */
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

  /** Leaves the rest of this work to the next turn, so that this one stays short. */
  #stopAtBound(queue: Queue): void {
    if (queue.ready === 0) return
    this.#hasMore = true
    this.#expiredAt = Number.NEGATIVE_INFINITY
  }

  /** Gives each consumer as many events as it has credit for, and never an expired one. */
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
          throw new StoreDamagedError(`${queue.declaration.name} has fewer events than were counted`)
        queue.ready -= count
        queue.unsettled += messages.length
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

  #buryReady(queue: Queue, message: Message, reason: DeadLetterReason): void {
    const failure = endWithoutAttempt(message, message.attempt, reason, this.#clock.wallNow())
    this.#note(queue, failure, this.#eventIdOf(message))
    this.#store.buryReady(message, failure)
    queue.ready--
    queue.deadLetters++
  }

  #buryCorrupt(queue: Queue, { message, eventId, fault }: CorruptMessage): void {
    const error = { name: "CorruptEvent", message: fault }
    const failure = {
      ...endWithoutAttempt(message, message.attempt, "corrupt", this.#clock.wallNow()),
      error,
    }
    this.#note(queue, failure, eventId)
    this.#store.buryReady(message, failure)
    queue.deadLetters++
    this.#corrupt.push({ queue: queue.declaration.name, event: message.event, event_id: eventId, fault })
  }

  /** The message was taken but not delivered, so the attempt does not count. */
  #buryExpired(queue: Queue, message: Message): void {
    const failure = endWithoutAttempt(message, message.attempt - 1, "expired", this.#clock.wallNow())
    this.#note(queue, failure, this.#eventIdOf(message))
    this.#store.buryUnsettled(message, failure)
    queue.unsettled--
    queue.deadLetters++
  }

  #eventIdOf({ event }: Message): string | null {
    return this.#facts === null ? null : this.#store.idOf(event)
  }

  #note(queue: Queue, { reason, error, lastFailedAt: at }: DeadLetterFailure, id: string | null): void {
    const { name } = queue.declaration
    this.#burials.note(name, reason)
    if (id === null) return
    this.#facts?.note({ fact: "dead-lettered", at, id, queue: name, reason, ...(error && { error }) })
  }
}

/** Drops queues that were deleted after the event was routed. */
const present = (queues: readonly Queue[]): readonly Queue[] =>
  queues.some(({ isDeleted }) => isDeleted) ? queues.filter(({ isDeleted }) => !isDeleted) : queues

const isFull = (queue: Queue): boolean => queue.ready >= queue.declaration.maxLength

/**
 * Returns the failure record of an event that ends without an attempt. Keeps the error of an earlier attempt.
 */
function endWithoutAttempt(
  message: Message,
  attempts: number,
  reason: DeadLetterReason,
  now: number,
): DeadLetterFailure {
  const before = decodeRetryFailure(message.failure)
  return {
    reason,
    attempts,
    firstFailedAt: before?.firstFailedAt ?? now,
    lastFailedAt: now,
    error: before?.error ?? null,
    module: before?.module ?? null,
  }
}
