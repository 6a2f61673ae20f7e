import type { Database } from "bun:sqlite"
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
import { EngineStartError, PublishError } from "../errors.ts"
import { Watchers } from "../watchers.ts"
import { EMBEDDED_CAPABILITIES } from "./capabilities.ts"
import { openDatabase } from "./database.ts"
import { DeadLetterAdministration } from "./dead-letter-administration.ts"
import { newDelivery } from "./delivery.ts"
import { DueTimer } from "./due-timer.ts"
import { type Log, LogSync } from "./log-sync.ts"
import { MessageStore } from "./message-store.ts"
import { subscribe } from "./queue.ts"
import { QueueCatalog } from "./queue-catalog.ts"
import { type Settlement, Turn } from "./turn.ts"
import { outcomeOf, reasonOf, refuseAll, whyUnavailable } from "./turn-failure.ts"
import { type Claim, EXPIRY_INTERVAL_MS, TurnWriter, type WrittenTurn } from "./turn-writer.ts"

export interface EmbeddedEngineOptions {
  /** The folder of the store; made where it is missing. */
  readonly dataDir: string
  /** Milliseconds since the epoch. Default: the system's clock. */
  readonly now?: () => number
  /** Told when the engine becomes unavailable, and when it is ready again. */
  readonly onStatusChange?: (status: EngineStatus) => void
  /** Brings the store's log onto the disk. Default: `fdatasync`. For tests, to hold it up or let it fail. */
  readonly openLog?: (databaseFile: string) => Log
}

const CLOSED = "the engine is closed; the event will be delivered again"

/** The waits between attempts to write again after a fault. */
const RECOVERY_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 2_000 }

/**
 * The engine inside the process: one SQLite file, written by group commit. All that is published and settled
 * in one turn of the event loop, or while the turn before is synced, goes into one transaction with one sync,
 * and is confirmed after it.
 */
export class EmbeddedEngine implements Engine {
  readonly name = "embedded"
  readonly capabilities = EMBEDDED_CAPABILITIES
  readonly #database: Database
  readonly #store: MessageStore
  readonly #deadLetters: DeadLetterAdministration
  readonly #catalog: QueueCatalog
  readonly #writer: TurnWriter
  readonly #now: () => number
  readonly #onStatusChange: (status: EngineStatus) => void
  readonly #sweep: Timer
  readonly #log: Log
  readonly #watchers = new Watchers()
  #turn = new Turn()
  /** Where the turn is; `syncing-and-due` is to be followed by another at once. */
  #phase: "idle" | "due" | "syncing" | "syncing-and-due" = "idle"
  #onSynced: (() => void) | undefined
  #closed: Promise<void> | undefined
  readonly #dueTimer = new DueTimer(() => this.#schedule())
  #recoveryTimer: Timer | undefined
  readonly #recoveryDelays = new RetryDelays(RECOVERY_BACKOFF)
  #status: EngineStatus = { state: "ready" }

  /**
   * Opens the store, and makes ready again what was unsettled when the last process died.
   * @throws {EngineStartError} where the folder can't be written or another process has it.
   */
  static open(options: EmbeddedEngineOptions): EmbeddedEngine {
    return new EmbeddedEngine(openDatabase(options.dataDir), options)
  }

  private constructor(database: Database, options: EmbeddedEngineOptions) {
    this.#database = database
    this.#now = options.now ?? Date.now
    this.#onStatusChange = options.onStatusChange ?? (() => {})
    this.#store = new MessageStore(database)
    this.#deadLetters = new DeadLetterAdministration(database, this.#store, {
      now: this.#now,
      status: () => this.#status,
      sync: () => this.#syncNow(),
    })
    this.#catalog = new QueueCatalog(database, this.#store)
    this.#writer = new TurnWriter(this.#store, this.#catalog)
    this.#log = (options.openLog ?? ((file) => new LogSync(file)))(database.filename)
    this.#sweep = setInterval(() => this.#schedule(), EXPIRY_INTERVAL_MS)
    this.#schedule()
  }

  status(): EngineStatus {
    return this.#status
  }

  async declareQueues(queues: readonly QueueDeclaration[]): Promise<void> {
    try {
      this.#catalog.declare(queues)
      this.#log.now()
    } catch (cause) {
      throw new EngineStartError(`the queues can't be declared: ${reasonOf(cause)}`, { cause })
    }
    this.#schedule()
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
      this.#turn.publishes.push({ stored, routingKey: event.routing_key, priority, queues, confirm, refuse })
      this.#schedule()
    })
  }

  consume(queueName: string, options: ConsumeOptions): Subscription {
    const queue = this.#catalog.get(queueName)
    return subscribe(queue, options, () => this.#schedule())
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

  /** For what is rare, and is written beside the turns. */
  #syncNow(): void {
    try {
      this.#log.now()
      this.#schedule()
    } catch (cause) {
      this.#giveUp(new Turn(), cause)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const queue of this.#catalog.all()) queue.consumers.clear()
    if (this.#isSyncing) await new Promise<void>((resolve) => (this.#onSynced = resolve))
    const hasFailed = this.#status.state === "failed"
    if (this.#status.state === "ready") this.#commitLastTurn()
    clearInterval(this.#sweep)
    this.#dueTimer.arm(null, this.#now())
    clearTimeout(this.#recoveryTimer)
    this.#status = { state: "closed" }
    for (const { fail } of this.#turn.settlements) fail(new Error(CLOSED))
    this.#log.close()
    // SQLite would copy the log, which can't be trusted, into the database.
    if (hasFailed) return
    this.#store.close()
    this.#deadLetters.close()
    this.#catalog.close()
    this.#database.close()
  }

  get #isGone(): boolean {
    return this.#status.state === "closed" || this.#status.state === "failed"
  }

  #settle(claim: Claim, settlement: Settlement): Promise<void> {
    if (this.#isGone) return Promise.reject(new Error(CLOSED))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#turn.settlements.push({ settlement, ...claim, confirm: resolve, fail: reject })
    this.#schedule()
    // Who does not wait for it need not hear of it: the event is delivered again.
    promise.catch(() => {})
    return promise
  }

  /** Everything asked for until the event loop comes round, or the turn before is synced, joins this turn. */
  #schedule(): void {
    if (this.#status.state !== "ready") return
    if (this.#phase === "syncing") this.#phase = "syncing-and-due"
    if (this.#phase !== "idle") return
    this.#phase = "due"
    // What the last confirms set off arrives within a round of the event loop: with a second one, a commit under
    // load holds twice as much.
    setImmediate(() => setImmediate(() => this.#commitDue()))
  }

  #commitDue(): void {
    this.#phase = "idle"
    if (this.#status.state === "ready") this.#commitTurn()
  }

  get #isSyncing(): boolean {
    return this.#phase === "syncing" || this.#phase === "syncing-and-due"
  }

  #commitTurn(): void {
    const turn = this.#turn
    const written = this.#write()
    if (written === null) return
    if (turn.publishes.length + turn.settlements.length + written.claims.length === 0) {
      this.#conclude(turn, written)
      return
    }
    this.#phase = "syncing"
    this.#log.start((error) => {
      const isDue = this.#phase === "syncing-and-due"
      this.#phase = "idle"
      // It may have failed for another meanwhile.
      if (error === null && this.#status.state === "ready") this.#conclude(turn, written)
      else this.#giveUp(turn, error ?? "a sync failed")
      if (isDue) this.#schedule()
      this.#onSynced?.()
    })
  }

  #commitLastTurn(): void {
    const turn = this.#turn
    const written = this.#write()
    if (written === null) return
    try {
      this.#log.now()
      this.#conclude(turn, written)
    } catch (error) {
      this.#giveUp(turn, error)
    }
  }

  /** Null where nothing of it was written. */
  #write(): WrittenTurn | null {
    const turn = this.#turn
    this.#turn = new Turn()
    try {
      return this.#writer.write(turn, this.#now())
    } catch (error) {
      this.#fail(turn, error)
      return null
    }
  }

  /** The turn is on the disk: all who asked for something in it learn so. */
  #conclude(turn: Turn, written: WrittenTurn): void {
    for (const { confirm } of turn.settlements) confirm()
    for (const { pending, error } of written.publishes) {
      if (error === null) {
        pending.confirm()
        this.#watchers.tell({ routingKey: pending.routingKey, body: pending.stored.body, isForeign: false })
      } else pending.refuse(error)
    }
    for (const claim of written.claims) this.#hand(claim)
    this.#dueTimer.arm(this.#writer.nextDueAt, this.#now())
    if (written.hasMore) this.#schedule()
  }

  /** A consumer that was cancelled by what it got just before gets no more. */
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
    this.#turn = new Turn([...turn.settlements, ...this.#turn.settlements])
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
    const reason = `the store's log can't be synced: ${reasonOf(cause)}`
    refuseAll(turn, reason, "unknown", cause)
    refuseAll(this.#turn, reason, "not-stored", cause)
    for (const { fail } of [...turn.settlements, ...this.#turn.settlements]) fail(new Error(reason))
    this.#turn = new Turn()
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
    this.#changeStatus({ state: "ready" })
    this.#schedule()
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
