import type { Receipt } from "../../../event/receipt.ts"
import { storableDelay } from "../../../event/retry-bounds.ts"
import { PublishError, unroutable } from "../../errors.ts"
import type { Report } from "../../report.ts"
import type { DiskRoom } from "../store/disk-room.ts"
import type { UnrecordedTurns } from "../store/fact-gap.ts"
import type { FactStore } from "../store/fact-store.ts"
import type { MessageStore } from "../store/message-store.ts"
import type { Consumer, Queue } from "../store/queue.ts"
import type { QueueCatalog } from "../store/queue-catalog.ts"
import type { ReceiptStore } from "../store/receipt-store.ts"
import type { StoreClock } from "../store/store-clock.ts"
import { StoreDamagedError } from "../store/store-damage.ts"
import type { TakenMessage } from "../store/taken-messages.ts"
import type { OnBuried } from "./burials.ts"
import { Endings } from "./endings.ts"
import type { PendingPublish } from "./pending-publish.ts"
import type { PendingSettlement, Turn } from "./turn.ts"

/** A message taken for a consumer. */
export interface Claim {
  readonly message: TakenMessage
  readonly queue: Queue
  readonly consumer: Consumer
}

/** Null if the event was stored, the receipt of the publish that this one repeats, or the refusal. */
type PublishResult = Receipt | PublishError | null

export interface WrittenTurn {
  /** Number of the store's last turn. A turn that changes nothing keeps the number of the previous one. */
  readonly number: number
  readonly publishes: readonly { readonly pending: PendingPublish; readonly result: PublishResult }[]
  readonly claims: readonly Claim[]
  /** True if nothing was written that has to be on the disk now. */
  readonly isEmpty: boolean
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

/** Room for a receipt with texts of the greatest length, in rows of a queue. */
const ROWS_PER_RECEIPT = 4

export interface TurnWriterOptions {
  readonly messages: MessageStore
  readonly receipts: ReceiptStore
  readonly catalog: QueueCatalog
  readonly clock: StoreClock
  readonly room: DiskRoom
  /** Null if nothing records what became of each event. */
  readonly facts: FactStore | null
  /** Null if there are facts. */
  readonly unrecorded: UnrecordedTurns | null
  /** Number of the store's last turn. */
  readonly turn: number
  readonly report: Report
  readonly onBuried: OnBuried | undefined
}

/** Writes a turn in one transaction, in the order that a user expects. */
export class TurnWriter {
  readonly #store: MessageStore
  readonly #receipts: ReceiptStore
  readonly #catalog: QueueCatalog
  readonly #clock: StoreClock
  readonly #room: DiskRoom
  readonly #facts: FactStore | null
  readonly #unrecorded: UnrecordedTurns | null
  #nextDueAt: number | null
  #expiredAt = Number.NEGATIVE_INFINITY
  #hasMore = false
  #number: number
  readonly #endings: Endings

  constructor({ messages, receipts, ...options }: TurnWriterOptions) {
    const { catalog, clock, room, facts, unrecorded, turn, report, onBuried } = options
    this.#endings = new Endings({ messages, clock, facts, report, onBuried })
    this.#store = messages
    this.#receipts = receipts
    this.#catalog = catalog
    this.#clock = clock
    this.#room = room
    this.#facts = facts
    this.#unrecorded = unrecorded
    this.#number = turn
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
    const publishes: { pending: PendingPublish; result: PublishResult }[] = []
    const claims: Claim[] = []
    let isEmpty = false
    this.#hasMore = false
    if (turn.publishes.length > 0) this.#room.beforeTurn()
    this.#endings.begin()
    // While the disk is short, its room is for the events.
    this.#facts?.begin(this.#room.shortage === null)
    for (const { consumer } of turn.settlements) consumer.unsettled--
    try {
      this.#store.transaction(() => {
        for (const pending of turn.settlements) this.#settle(pending, now)
        for (const { write } of turn.operations) write(now)
        for (const pending of turn.publishes) publishes.push({ pending, result: this.#publish(pending, now) })
        this.#store.flush()
        this.#receipts.flush()
        // A deletion needs room in the log.
        if (this.#room.shortage === null) this.#receipts.deleteExpired(now)
        this.#promoteDue(now)
        this.#expireAll(now)
        for (const queue of this.#catalog.all()) this.#claim(queue, claims, now)
        this.#facts?.write(turn.onlyPublishes)
        if (this.#facts?.hasMore) this.#hasMore = true
        isEmpty = turn.isEmpty && claims.length === 0 && !this.#facts?.hasMore && !this.#facts?.isWritten
        if (turn.publishes.length + turn.settlements.length > 0) this.#unrecorded?.mark(this.#number + 1)
        if (!isEmpty) this.#countTurn()
        this.#clock.keepMark({ isEmpty })
      })
    } catch (error) {
      this.#receipts.discard()
      for (const { consumer } of turn.settlements) consumer.unsettled++
      throw error
    }
    for (const { consumer } of claims) consumer.unsettled++
    if (!isEmpty) this.#number++
    this.#endings.written()
    this.#facts?.written()
    this.#unrecorded?.written()
    return { number: this.#number, publishes, claims, isEmpty, hasMore: this.#hasMore }
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

  #countTurn(): void {
    const { lastEvent } = this.#store
    const recorded = (this.#facts ?? this.#unrecorded)?.recordedThrough(lastEvent) ?? lastEvent
    this.#store.countTurn(this.#number + 1, recorded)
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

  /** Stores the event, unless it is stored already, and remembers that it is. */
  #publish(pending: PendingPublish, now: number): PublishResult {
    const { once } = pending
    if (once === null) return this.#append(pending, 0, now)
    const { marks, windowMs } = once.by
    const known = this.#receipts.recognize(once.by, now)
    if (known instanceof PublishError) return known
    const { repeats, missing } = known
    if (repeats !== null && missing.length === 0) return repeats
    const refusal =
      repeats === null
        ? this.#append(pending, ROWS_PER_RECEIPT * marks.length, now)
        : this.#roomFor("", ROWS_PER_RECEIPT * missing.length)
    if (refusal !== null) return refusal
    this.#receipts.remember(missing, repeats ?? once.receipt, windowMs, now)
    return repeats
  }

  /**
   * Stores the event on all of its queues or on none.
   * @param more room for what is stored with it, in rows of a queue
   */
  #append(pending: PendingPublish, more: number, now: number): PublishError | null {
    const queues = present(pending.queues)
    if (queues.length === 0) return unroutable(pending.routingKey)
    const refusal = this.append(pending, queues, now, more)
    if (refusal === null) this.#notePublished(pending, queues)
    return refusal
  }

  #notePublished({ stored: { body } }: PendingPublish, queues: readonly Queue[]): void {
    this.#facts?.notePublished(this.#store.lastEvent, Buffer.byteLength(body), queues, this.#clock.wallNow())
  }

  /**
   * Stores an event on these queues, behind the events that wait. Call it while a turn is written.
   * @param more room for what is stored with it, in rows of a queue
   * @returns why it is stored on none of them, or null
   */
  append(
    { stored, priority }: Pick<PendingPublish, "stored" | "priority">,
    queues: readonly Queue[],
    now: number,
    more = 0,
  ): PublishError | null {
    const full = queues.find((queue) => isFull(queue) && queue.declaration.overflow === "reject-publish")
    if (full !== undefined) {
      const { name, maxLength } = full.declaration
      const reason = `the queue ${name} is full: ${maxLength} events wait in it`
      return new PublishError("queue-full", reason, "not-stored", { queue: name })
    }
    const refusal = this.#roomFor(stored.body, queues.length + more)
    if (refusal !== null) return refusal
    for (const queue of queues) {
      this.#makeRoom(queue)
      queue.ready++
    }
    this.#store.append(stored, queues, priority, now)
    return null
  }

  #roomFor(body: string, rows: number): PublishError | null {
    const shortage = this.#room.take(body, rows)
    return shortage === null ? null : new PublishError("engine-unavailable", shortage)
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
      this.#endings.endReady(queue, oldest, "overflow")
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
      for (const message of expired) this.#endings.endReady(queue, message, "expired")
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
        for (const each of corrupt) this.#endings.endCorrupt(queue, each)
        for (const message of messages) {
          if (message.queuedAt <= queuedBy) this.#endings.endExpired(queue, message)
          else {
            claims.push({ message, queue, consumer })
            credit--
          }
        }
      }
      if (credit > 0 && left <= 0) this.#stopAtBound(queue)
    }
  }
}

/** Drops queues that were deleted after the event was routed. */
const present = (queues: readonly Queue[]): readonly Queue[] =>
  queues.some(({ isDeleted }) => isDeleted) ? queues.filter(({ isDeleted }) => !isDeleted) : queues

const isFull = (queue: Queue): boolean => queue.ready >= queue.declaration.maxLength
