import { type Backoff, RetryDelays } from "../../event/backoff.ts"
import type { Event } from "../../event/envelope.ts"
import { orderLevel } from "../../event/priority.ts"
import type { TraceContext } from "../../event/trace-context.ts"
import type {
  ConsumeOptions,
  DeadLetter,
  DeadLetterSelection,
  Engine,
  EngineStatus,
  Purged,
  QueueDeclaration,
  QueueStats,
  Redriven,
  RedriveOptions,
  Subscription,
  Watcher,
} from "../engine.ts"
import { EngineStartError, EngineUnavailableError, PublishError } from "../errors.ts"
import { Watchers } from "../watchers.ts"
import { EMBEDDED_CAPABILITIES } from "./capabilities.ts"
import { ClockMarkStore } from "./clock-mark.ts"
import { Committer } from "./committer.ts"
import { type OpenStore, openStore } from "./database.ts"
import { DeadLetterAdministration } from "./dead-letter-administration.ts"
import { newDelivery } from "./delivery.ts"
import { DueTimer } from "./due-timer.ts"
import type { EmbeddedEngineOptions } from "./engine-options.ts"
import { explainLostTurns } from "./lost-turns.ts"
import { MessageStore } from "./message-store.ts"
import { subscribe } from "./queue.ts"
import { QueueCatalog } from "./queue-catalog.ts"
import { StoreClock } from "./store-clock.ts"
import { type Log, StoreLog } from "./store-log.ts"
import { type Settlement, Turn } from "./turn.ts"
import { outcomeOf, reasonOf, refuseAll, whyUnavailable } from "./turn-failure.ts"
import { type Claim, EXPIRY_INTERVAL_MS, TurnWriter, type WrittenTurn } from "./turn-writer.ts"

const CLOSED = "the engine is closed; the event will be delivered again"

/** The waits between attempts to write again after a fault. */
const RECOVERY_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 2_000 }

/**
 * The engine inside the process: one SQLite file, written by group commit on the main thread and synced by a thread of
 * its own. Nothing is confirmed or delivered before it is on the disk.
 */
export class EmbeddedEngine implements Engine {
  readonly name = "embedded"
  readonly capabilities = EMBEDDED_CAPABILITIES
  readonly #opened: OpenStore
  readonly #store: MessageStore
  readonly #deadLetters: DeadLetterAdministration
  readonly #catalog: QueueCatalog
  readonly #writer: TurnWriter
  readonly #committer: Committer
  readonly #clock: StoreClock
  readonly #onStatusChange: (status: EngineStatus) => void
  readonly #sweep: Timer
  readonly #log: Log
  readonly #watchers = new Watchers()
  #closed: Promise<void> | undefined
  readonly #dueTimer = new DueTimer(() => this.#committer.schedule())
  #recoveryTimer: Timer | undefined
  readonly #recoveryDelays = new RetryDelays(RECOVERY_BACKOFF)
  #status: EngineStatus
  /** What the engine is like while all is well. */
  readonly #ready: EngineStatus

  /**
   * Opens the store, and makes ready again what was unsettled when the last process died.
   * @throws {EngineStartError} if the folder can't be written or another process has it.
   */
  static open(options: EmbeddedEngineOptions): EmbeddedEngine {
    return new EmbeddedEngine(openStore(options.dataDir), options)
  }

  private constructor(opened: OpenStore, options: EmbeddedEngineOptions) {
    const { database, storeId, turn } = opened
    this.#opened = opened
    const report = options.report ?? (() => {})
    this.#clock = new StoreClock(new ClockMarkStore(database), report, options.time)
    this.#onStatusChange = options.onStatusChange ?? (() => {})
    const warning = explainLostTurns(options.dataDir, opened)
    if (warning !== null) report("error", warning, {})
    this.#ready = warning === null ? { state: "ready" } : { state: "ready", warning }
    this.#status = this.#ready
    this.#store = new MessageStore(database)
    this.#deadLetters = new DeadLetterAdministration(database, this.#store, {
      status: () => this.#status,
      operate: (write) => this.#operate(write),
    })
    this.#catalog = new QueueCatalog(database, this.#store)
    this.#writer = new TurnWriter(this.#store, this.#catalog, this.#clock, turn)
    const onFailure = (reason: Error): void => this.#giveUp(new Turn(), reason)
    this.#log =
      options.openLog?.() ?? new StoreLog({ database, storeId, threadUrl: options.syncThreadUrl, onFailure })
    this.#committer = new Committer({
      writer: this.#writer,
      log: this.#log,
      isOpen: () => this.#status.state === "ready",
      onConfirmed: (turn, written) => this.#conclude(turn, written),
      onRefused: (turn, cause) => this.#fail(turn, cause),
      onFailed: (turn, cause) => this.#giveUp(turn, cause),
    })
    this.#sweep = setInterval(() => {
      this.#clock.check()
      this.#committer.schedule()
    }, EXPIRY_INTERVAL_MS)
    this.#committer.schedule()
  }

  status(): EngineStatus {
    return this.#status
  }

  async declareQueues(queues: readonly QueueDeclaration[]): Promise<void> {
    try {
      const declared = await this.#operate(() => this.#catalog.write(queues))
      this.#catalog.adopt(declared)
    } catch (cause) {
      throw new EngineStartError(`the queues can't be declared: ${reasonOf(cause)}`, { cause })
    }
    this.#committer.schedule()
  }

  publish(event: Event, trace: TraceContext | null = null): Promise<void> {
    if (this.#status.state !== "ready") return Promise.reject(this.#unavailable())
    const queues = this.#catalog.route(event.routing_key)
    if (queues.length === 0) {
      const key = JSON.stringify(event.routing_key)
      return Promise.reject(new PublishError("unroutable", `no queue is bound for the routing key ${key}`))
    }
    const stored = { body: JSON.stringify(event), trace: trace && JSON.stringify(trace) }
    const priority = orderLevel(event)
    return new Promise((confirm, refuse) => {
      const { publishes } = this.#committer.turn
      publishes.push({ stored, routingKey: event.routing_key, priority, queues, confirm, refuse })
      this.#committer.schedule()
    })
  }

  consume(queueName: string, options: ConsumeOptions): Subscription {
    const queue = this.#catalog.get(queueName)
    return subscribe(queue, options, () => this.#committer.schedule())
  }

  async watch(watcher: Watcher): Promise<() => void> {
    return this.#watchers.add(watcher)
  }

  async queueStats(): Promise<readonly QueueStats[]> {
    return this.#catalog.stats()
  }

  async deadLetters(queue: string, selection: DeadLetterSelection): Promise<readonly DeadLetter[]> {
    return this.#deadLetters.look(this.#catalog.get(queue), selection)
  }

  async redrive(
    queue: string,
    selection: DeadLetterSelection,
    options: RedriveOptions = {},
  ): Promise<Redriven> {
    return this.#deadLetters.redrive(this.#catalog.get(queue), selection, options)
  }

  async purgeDeadLetters(queue: string, selection: DeadLetterSelection): Promise<Purged> {
    return this.#deadLetters.purge(this.#catalog.get(queue), selection)
  }

  /** Writes in the next turn; resolves once that is on the disk. */
  #operate<Result>(write: (now: number) => Result): Promise<Result> {
    if (this.#status.state !== "ready") {
      return Promise.reject(new EngineUnavailableError(whyUnavailable(this.#status)))
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    let confirm = (): void => {}
    this.#committer.turn.operations.push({
      write(now) {
        const result = write(now)
        confirm = () => resolve(result)
      },
      confirm: () => confirm(),
      refuse: (error) => reject(error),
    })
    this.#committer.schedule()
    return promise
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const queue of this.#catalog.all()) queue.consumers.clear()
    await this.#committer.finish()
    const hasFailed = this.#status.state === "failed"
    clearInterval(this.#sweep)
    this.#dueTimer.arm(null, this.#clock.now())
    clearTimeout(this.#recoveryTimer)
    this.#status = { state: "closed" }
    for (const { fail } of this.#committer.turn.settlements) fail(new Error(CLOSED))
    await this.#log.close(() => {
      // SQLite would copy a log that can't be trusted into the database.
      if (hasFailed) return
      this.#store.close()
      this.#deadLetters.close()
      this.#catalog.close()
      this.#clock.close()
      this.#opened.database.close()
    })
    this.#opened.lock[Symbol.dispose]()
  }

  get #isGone(): boolean {
    return this.#status.state === "closed" || this.#status.state === "failed"
  }

  #settle(claim: Claim, settlement: Settlement): Promise<void> {
    if (this.#isGone) return Promise.reject(new Error(CLOSED))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#committer.turn.settlements.push({ settlement, ...claim, confirm: resolve, fail: reject })
    this.#committer.schedule()
    // Callers may ignore this promise. If it rejects, the event is redelivered.
    promise.catch(() => {})
    return promise
  }

  /** The turn is on the disk: all who asked for something in it learn so. */
  #conclude(turn: Turn, written: WrittenTurn): void {
    for (const { confirm } of turn.settlements) confirm()
    for (const { confirm } of turn.operations) confirm()
    for (const { pending, error } of written.publishes) {
      if (error === null) {
        pending.confirm()
        this.#watchers.tell({ routingKey: pending.routingKey, body: pending.stored.body, isForeign: false })
      } else pending.refuse(error)
    }
    for (const claim of written.claims) this.#hand(claim)
    this.#dueTimer.arm(this.#writer.nextDueAt, this.#clock.now())
    if (written.hasMore) this.#committer.schedule()
  }

  /** Skips consumers that an earlier delivery of this turn has cancelled. */
  #hand(claim: Claim): void {
    const delivery = newDelivery(
      claim,
      () => this.#isGone,
      (settlement) => this.#settle(claim, settlement),
    )
    if (claim.queue.consumers.has(claim.consumer)) claim.consumer.onDelivery(delivery)
    else void delivery.release()
  }

  /** Nothing of the turn was written. Publishers learn it; what was to be settled is kept until it can be. */
  #fail(turn: Turn, cause: unknown): void {
    const reason = `the store can't be written: ${reasonOf(cause)}`
    refuseAll(turn, reason, outcomeOf(cause), cause)
    this.#committer.takeTurn([...turn.settlements, ...this.#committer.turn.settlements])
    try {
      this.#catalog.recount()
    } catch {
      // A store that can't be read either is counted once it can be, before it is ready again.
    }
    this.#changeStatus({ state: "unavailable", reason })
    clearTimeout(this.#recoveryTimer)
    this.#recoveryTimer = setTimeout(() => this.#recover(), this.#recoveryDelays.next())
  }

  /**
   * The log was written, but may not be on the disk, and a second sync would not tell: after one that failed,
   * Linux calls the same pages clean. A process that opens the store anew takes what is whole of the log.
   * Source: wiki.postgresql.org/wiki/Fsync_Errors.
   */
  #giveUp(turn: Turn, cause: unknown): void {
    const reason = `the store can't be synced: ${reasonOf(cause)}`
    refuseAll(turn, reason, "unknown", cause)
    const notWritten = this.#committer.takeTurn()
    refuseAll(notWritten, reason, "not-stored", cause)
    for (const { fail } of [...turn.settlements, ...notWritten.settlements]) fail(new Error(reason))
    clearTimeout(this.#recoveryTimer)
    this.#changeStatus({ state: "failed", reason })
  }

  #recover(): void {
    try {
      this.#writer.probe()
      this.#catalog.recount()
    } catch (error) {
      this.#fail(new Turn(), error)
      return
    }
    this.#recoveryDelays.reset()
    this.#changeStatus(this.#ready)
    this.#committer.schedule()
  }

  #changeStatus(status: EngineStatus): void {
    const isNews = this.#status.state !== status.state
    this.#status = status
    if (isNews) this.#onStatusChange(status)
  }

  #unavailable(): PublishError {
    return new PublishError("engine-unavailable", whyUnavailable(this.#status))
  }
}
