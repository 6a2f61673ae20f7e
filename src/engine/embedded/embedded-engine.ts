import type { Event } from "../../event/envelope.ts"
import type { Receipt } from "../../event/receipt.ts"
import { reasonOf } from "../../system/reason-of.ts"
import type { DeadLetterPage, DeadLetterSelection, Purged, Redriven, RedriveOptions } from "../dead-letter.ts"
import type {
  ConsumeOptions,
  DeclareOptions,
  Engine,
  EngineStatus,
  QueueDeclaration,
  QueueStats,
  Subscription,
  Watcher,
} from "../engine.ts"
import { PublishError, type PublishOutcome, unroutable } from "../errors.ts"
import type { AdapterConsume } from "../key-order/adapter-consumer.ts"
import { consumeWith } from "../key-order/ordered-consumer.ts"
import type { PublishOptions } from "../once.ts"
import type { Report } from "../report.ts"
import { Watchers } from "../watchers.ts"
import { EMBEDDED_CAPABILITIES } from "./capabilities.ts"
import { Committer } from "./commit/committer.ts"
import { explainLostTurns } from "./commit/lost-turns.ts"
import { pendingPublish } from "./commit/pending-publish.ts"
import { abandon, outcomeOf, refuseAll } from "./commit/refused-turn.ts"
import { type Log, StoreLog } from "./commit/store-log.ts"
import { newOperation, type Operate, type PendingOperation, type Settlement, Turn } from "./commit/turn.ts"
import { type Claim, EXPIRY_INTERVAL_MS, TurnWriter, type WrittenTurn } from "./commit/turn-writer.ts"
import { DeadLetterAdministration } from "./dead-letter-administration.ts"
import { deliver } from "./delivery.ts"
import { DueTimer } from "./due-timer.ts"
import type { EmbeddedEngineOptions } from "./engine-options.ts"
import { EngineState, unavailable } from "./engine-state.ts"
import { FactFeed } from "./fact-feed.ts"
import { EmbeddedQueueAdministration } from "./queue-administration.ts"
import { RecoveryTimer } from "./recovery-timer.ts"
import { replaying } from "./replaying.ts"
import { explainOpening, type OpenStore, openStore } from "./store/database.ts"
import { isDiskFull } from "./store/disk-full.ts"
import { subscribe } from "./store/queue.ts"
import { ReserveFile } from "./store/reserve-file.ts"
import { explainLasting } from "./store/store-damage.ts"
import { Tables } from "./store/tables.ts"
import { Upkeep } from "./upkeep.ts"

const CLOSED = "the engine is closed; the event will be delivered again"

/**
 * The engine inside the process: one SQLite file, written by group commit on the main thread and synced by a
 * dedicated thread. Nothing is confirmed or delivered before it is on the disk.
 */
export class EmbeddedEngine implements Engine {
  readonly name = "embedded"
  readonly facts: FactFeed | null
  readonly capabilities = EMBEDDED_CAPABILITIES
  readonly #opened: OpenStore
  readonly #deadLetters: DeadLetterAdministration
  readonly queueAdministration: EmbeddedQueueAdministration
  readonly replay: Engine["replay"]
  readonly #tables: Tables
  readonly #writer: TurnWriter
  readonly #committer: Committer
  readonly #state: EngineState
  readonly #sweep: Timer
  readonly #log: Log
  readonly #upkeep: Upkeep
  readonly #watchers = new Watchers()
  #closed: Promise<void> | undefined
  readonly #dueTimer = new DueTimer(() => this.#committer.schedule())
  readonly #recovery = new RecoveryTimer(() => void this.#recover())
  /** True if the last write failed because the disk was full. */
  #wasFull = false

  /**
   * Opens the store, and requeues deliveries that were unsettled when the last process died.
   * @throws {EngineStartError} if the folder can't be written, another process uses it, or the store is
   * damaged.
   */
  static open(options: EmbeddedEngineOptions): EmbeddedEngine {
    const report = options.report ?? (() => {})
    const reserve = new ReserveFile(options.dataDir, report)
    const opened = reserve.spendOn(() => openStore(options.dataDir))
    try {
      return new EmbeddedEngine(opened, reserve, report, options)
    } catch (cause) {
      opened[Symbol.dispose]()
      throw explainOpening(options.dataDir, cause)
    }
  }

  private constructor(
    opened: OpenStore,
    reserve: ReserveFile,
    report: Report,
    options: EmbeddedEngineOptions,
  ) {
    const { database } = opened
    const onDamage = (cause: unknown): void => this.#fail(new Turn(), cause)
    this.#opened = opened
    this.#tables = new Tables(opened, { ...options, reserve, report })
    const { facts } = this.#tables
    const warning = explainLostTurns(options.dataDir, opened)
    if (warning !== null) report("error", warning, {})
    this.#state = new EngineState(warning, options.onStatusChange)
    const operate = this.#operate
    const letters = { status: () => this.#state.current, operate, onDamage }
    this.#deadLetters = new DeadLetterAdministration(database, this.#tables, letters)
    const queues = { ...this.#tables, deadLetters: this.#deadLetters, operate }
    this.queueAdministration = new EmbeddedQueueAdministration(queues)
    this.facts = facts && new FactFeed(facts, database.filename, operate, report)
    this.#upkeep = new Upkeep(database, {
      dataDir: options.dataDir,
      reserve,
      messageCount: () => this.#tables.messages.messageCount,
      logPages: opened.logPages,
      mayWrite: () => this.#state.isWritable && !this.#committer.isCommitting,
      checkpoint: () => this.#committer.checkpoint(),
      onDamage,
      report,
      onLook: () => this.#heedRoom(),
    })
    this.#writer = new TurnWriter({
      ...this.#tables,
      room: this.#upkeep.room,
      turn: opened.turn,
      report,
      onBuried: options.onBuried,
    })
    this.replay = replaying(this.#tables, this.#writer, operate)
    const onFailure = (reason: Error): void => this.#giveUp(new Turn(), reason)
    this.#log =
      options.openLog?.() ?? new StoreLog({ ...opened, threadUrl: options.syncThreadUrl, onFailure })
    this.#committer = new Committer({
      writer: this.#writer,
      log: this.#log,
      isOpen: () => this.#state.isWritable,
      onConfirmed: (turn, written) => this.#conclude(turn, written),
      onRefused: (turn, cause) => this.#fail(turn, cause),
      onFailed: (turn, cause) => this.#giveUp(turn, cause),
    })
    this.#sweep = setInterval(() => {
      this.#tables.clock.check()
      this.#committer.schedule()
    }, EXPIRY_INTERVAL_MS)
    this.#heedRoom()
    this.#committer.schedule()
  }

  status(): EngineStatus {
    return this.#state.current
  }

  async declareQueues(queues: readonly QueueDeclaration[], options: DeclareOptions = {}): Promise<void> {
    await this.queueAdministration.declare(queues, options)
    this.#committer.schedule()
  }

  publish(event: Event, options: PublishOptions = {}): Promise<Receipt | null> {
    if (this.#state.current.state !== "ready") return Promise.reject(unavailable(this.#state.current))
    const queues = this.#tables.catalog.route(event.routing_key)
    // A repetition has its receipt even if its queues are gone.
    if (queues.length === 0 && !options.once) return Promise.reject(unroutable(event.routing_key))
    return new Promise((confirm, refuse) => {
      const pending = pendingPublish(event, options, queues, this.facts !== null, confirm, refuse)
      this.#committer.turn.publishes.push(pending)
      this.#committer.schedule()
    })
  }

  consume(queueName: string, consume: ConsumeOptions): Subscription {
    const queue = this.#tables.catalog.get(queueName)
    const adapter: AdapterConsume = (options) => subscribe(queue, options, () => this.#committer.schedule())
    const { maxUnsettledMs } = this.capabilities
    return consumeWith({ consume, adapter, canWiden: true, maxUnsettledMs, facts: this.facts })
  }

  async watch(watcher: Watcher): Promise<() => void> {
    return this.#watchers.add(watcher)
  }

  async queueStats(): Promise<readonly QueueStats[]> {
    return this.#tables.catalog.stats(this.#committer.turn.settling, this.#tables.clock.now())
  }

  async deadLetters(queue: string, selection: DeadLetterSelection, after?: string): Promise<DeadLetterPage> {
    return this.#deadLetters.look(this.#tables.catalog.get(queue), selection, after)
  }

  async redrive(
    queue: string,
    selection: DeadLetterSelection,
    options: RedriveOptions = {},
  ): Promise<Redriven> {
    return this.#deadLetters.redrive(this.#tables.catalog.get(queue), selection, options)
  }

  async purgeDeadLetters(queue: string, selection: DeadLetterSelection): Promise<Purged> {
    return this.#deadLetters.purge(this.#tables.catalog.get(queue), selection)
  }

  /** Adds an operation to the next turn. Resolves when it is on the disk. */
  readonly #operate: Operate = (write, needs) => {
    if (!this.#state.takes(needs)) return Promise.reject(this.#state.refusal())
    const { operation, done } = newOperation(write, needs)
    this.#committer.turn.operations.push(operation)
    this.#committer.schedule()
    return done
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const queue of this.#tables.catalog.all()) queue.consumers.clear()
    await this.#committer.finish()
    this.facts?.close()
    const hasFailed = this.#state.current.state === "failed"
    clearInterval(this.#sweep)
    this.#dueTimer.arm(null, this.#tables.clock.now())
    this.#recovery.stop()
    this.#state.close()
    await this.#upkeep.close()
    for (const { fail } of this.#committer.turn.settlements) fail(new Error(CLOSED))
    await this.#log.close(() => {
      // SQLite would copy an untrusted log into the database.
      if (hasFailed) return
      this.#deadLetters.close()
      this.#tables.close()
    })
    this.#opened.lock[Symbol.dispose]()
  }

  #settle(claim: Claim, settlement: Settlement): Promise<void> {
    if (this.#state.isGone) return Promise.reject(new Error(CLOSED))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#committer.turn.settlements.push({ settlement, ...claim, confirm: resolve, fail: reject })
    this.#committer.schedule()
    // Callers may ignore this promise. If it rejects, the event is redelivered.
    promise.catch(() => {})
    return promise
  }

  /** The turn is on the disk: reports the result to every requester. */
  #conclude(turn: Turn, written: WrittenTurn): void {
    // Only now, because a fault that the probe does not trigger returns at once.
    this.#recovery.reset()
    this.#state.block(this.#upkeep.room.shortage)
    if (!turn.isEmpty || written.claims.length > 0) this.#upkeep.noteWork()
    this.facts?.confirmed()
    for (const { confirm } of turn.settlements) confirm()
    for (const { confirm } of turn.operations) confirm()
    for (const { pending, result } of written.publishes) {
      if (result instanceof PublishError) pending.refuse(result)
      else pending.confirm(result)
      if (result === null) {
        const { routingKey, stored } = pending
        this.#watchers.tell({ routingKey, body: stored.body, isForeign: false, malformed: null })
      }
    }
    for (const claim of written.claims) {
      deliver(
        claim,
        () => this.#state.isGone,
        (settlement) => this.#settle(claim, settlement),
      )
    }
    this.#dueTimer.arm(this.#writer.nextDueAt, this.#tables.clock.now())
    if (written.hasMore) this.#committer.schedule()
  }

  /** Blocks publishers while the disk has too little free space. */
  #heedRoom(): void {
    const { shortage, needsCheckpoint } = this.#upkeep.room
    this.#state.block(shortage)
    if (needsCheckpoint && this.#state.isWritable) void this.#committer.checkpoint()
  }

  /** Nothing of the turn was written. Refuses its publishes and keeps its settlements for a later turn. */
  #fail(turn: Turn, cause: unknown): void {
    const lasting = explainLasting(cause)
    if (lasting !== null) {
      this.#giveUp(turn, cause, lasting, "not-stored")
      return
    }
    const reason = `the store can't be written: ${reasonOf(cause)}`
    this.#wasFull = isDiskFull(cause)
    const canSpend = this.#wasFull && this.#upkeep.room.spendReserve()
    const isKept = ({ needs }: PendingOperation): boolean => canSpend && !needs.room
    const refused = turn.operations.filter((operation) => !isKept(operation))
    refuseAll({ publishes: turn.publishes, operations: refused }, reason, outcomeOf(cause), cause)
    this.#committer.putBack(turn.settlements, turn.operations.filter(isKept))
    try {
      this.#tables.catalog.recount()
    } catch {
      // An unreadable store is counted again before the engine is ready.
    }
    if (canSpend) {
      this.#state.open(this.#upkeep.room.shortage)
      this.#committer.schedule()
      return
    }
    this.#state.change({ state: "unavailable", reason })
    this.#recovery.arm()
  }

  /**
   * The log was written but may not be on the disk, and a second sync would not tell: after a failed sync,
   * Linux marks the same pages as clean. A process that reopens the store recovers the intact part of the
   * log.
   * Source: wiki.postgresql.org/wiki/Fsync_Errors.
   */
  #giveUp(
    turn: Turn,
    cause: unknown,
    reason = `the store can't be synced: ${reasonOf(cause)}`,
    outcome: PublishOutcome = "unknown",
  ): void {
    this.#recovery.stop()
    abandon(turn, reason, outcome, cause)
    abandon(this.#committer.takeTurn(), reason, "not-stored", cause)
    // Keeps the first reason, because damage can cause any other error.
    if (!this.#state.isGone) this.#state.change({ state: "failed", reason })
  }

  async #recover(): Promise<void> {
    // The log can't grow on a full disk, but after it is copied it is overwritten from its start.
    if (this.#wasFull) await this.#committer.checkpoint()
    if (this.#state.isGone) return
    try {
      this.#upkeep.room.look()
      this.#writer.probe()
      this.#tables.catalog.recount()
    } catch (error) {
      this.#fail(new Turn(), error)
      return
    }
    this.#state.open(this.#upkeep.room.shortage)
    this.#committer.schedule()
  }
}
