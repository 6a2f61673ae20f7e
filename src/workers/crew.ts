import { type ModuleManifest, readManifests } from "../handlers/manifest.ts"
import { ModuleLoadError } from "../handlers/module-load-error.ts"
import { type ModuleSet, NO_MODULES } from "../handlers/module-set.ts"
import { locateIn } from "../handlers/option-position.ts"
import type { Logger } from "../telemetry/logger.ts"
import { endInOrder } from "./end-worker.ts"
import { Seat } from "./seat.ts"
import { WorkerThread, type WorkerThreadEvents } from "./worker-thread.ts"

export interface CrewOptions {
  /** Number of workers, if there are modules. */
  readonly size: number
  /** Jobs of one queue that a worker holds at a time; with 1, it holds one job in all. */
  readonly prefetch: number
  /** The worker's entry file. In the binary it must be beside the main file. */
  readonly workerUrl: string
  /** `process.env` of the handlers. */
  readonly environment: Readonly<Record<string, string>>
  /** Heap of a worker above which it is replaced, in bytes; 0: no limit. */
  readonly memoryLimitBytes: number
  /** How long each module may take to load, in milliseconds. Default 15,000. */
  readonly loadTimeoutMs?: number | undefined
  readonly events: Omit<WorkerThreadEvents, "onSlowLoad">
  /** Called when a worker is ready to take jobs. */
  readonly onReady: () => void
  readonly logger: Logger
}

/** A worker that has loaded a module set, before the set is in use. */
export interface Candidate {
  readonly set: ModuleSet
  readonly manifests: readonly ModuleManifest[]
  /** Null for a set without modules, which needs no worker. */
  readonly thread: WorkerThread | null
}

const SLOW_LOAD = "loading the handler modules takes long: events are not handled until they are loaded"
const SLOW_RELOAD = "loading the handler modules takes long: other workers handle the events meanwhile"

/** How long each module may take to load, in milliseconds. */
const LOAD_TIMEOUT_MS = 15_000

/** The workers of the pool: each has a seat, and all that take jobs have loaded the same module set. */
export class Crew {
  readonly #options: CrewOptions
  readonly #threads = new Set<WorkerThread>()
  /** The seats of workers that take jobs. */
  readonly #seatOf = new Map<WorkerThread, Seat>()
  /** Modules whose slow loading the log has told of; null is the start of a worker before the first one. */
  readonly #toldSlow = new Set<string | null>()
  #seats: readonly Seat[] = []
  #set: ModuleSet = NO_MODULES
  /** The worker that loads a set that is being prepared. */
  #candidate: WorkerThread | null = null
  /** Resolve when workers that are being ended are gone. */
  readonly #leaving = new Set<Promise<void>>()
  readonly #loaded = Promise.withResolvers<readonly ModuleManifest[]>()
  /** The module because of which a worker most recently ended without an event to blame, or could not be started. */
  #lastCulprit: string | null = null
  #isStopped = false

  constructor(options: CrewOptions) {
    this.#options = options
  }

  /** All workers, with those that only finish their jobs. */
  get threads(): ReadonlySet<WorkerThread> {
    return this.#threads
  }

  /** The module set in use. */
  get set(): ModuleSet {
    return this.#set
  }

  /** The seats, each with its worker; null while it has none that takes jobs. */
  get places(): readonly { readonly seat: Seat; readonly thread: WorkerThread | null }[] {
    const threadOf = new Map([...this.#seatOf].map(([thread, seat]) => [seat, thread]))
    return this.#seats.map((seat) => ({ seat, thread: threadOf.get(seat) ?? null }))
  }

  get seatCount(): number {
    return this.#seats.length
  }

  get readyCount(): number {
    let count = 0
    for (const thread of this.#threads) if (thread.state === "ready") count++
    return count
  }

  /** Workers that wait to be started again. */
  get waitingCount(): number {
    return this.#seats.filter(({ isWaiting }) => isWaiting).length
  }

  /** Why workers can't be started, or end again and again without an event to blame; null if they do not. */
  get fault(): string | null {
    if (!this.#seats.some(({ isFaulty }) => isFaulty)) return null
    const cause = this.#lastCulprit === null ? "" : `, probably because of ${this.#lastCulprit}`
    return `workers can't be started, or end soon after their start${cause}; the log has the error`
  }

  /**
   * Starts the workers, side by side. Resolves once each is ready, or could not be started, and is then tried again in
   * the background.
   * @returns the modules, once a worker has loaded them
   * @throws {ModuleLoadError} if a module can't be used
   */
  async start(set: ModuleSet): Promise<{ readonly loaded: Promise<readonly ModuleManifest[]> }> {
    this.#set = set
    if (set.files.length === 0) this.#loaded.resolve([])
    this.#seats = this.#newSeats(set)
    await Promise.all(this.#seats.map((seat) => seat.open()))
    return { loaded: this.#loaded.promise }
  }

  /**
   * Starts one worker with another set; one set at a time. It takes no jobs until it is adopted; discard it otherwise.
   * @throws {ModuleLoadError} if a module can't be used; other errors if the worker died
   */
  async prepare(set: ModuleSet): Promise<Candidate> {
    if (set.files.length === 0) return { set, manifests: [], thread: null }
    const thread = this.#newThread(set)
    this.#candidate = thread
    try {
      const manifests = await this.#load(thread, set)
      this.#candidate = null
      return { set, thread, manifests }
    } catch (error) {
      this.discard({ set, thread, manifests: [] })
      throw error
    }
  }

  /** Ends the load of a set that is being prepared: `prepare` rejects. */
  abandon(): void {
    if (this.#candidate !== null) this.#end(this.#candidate)
    this.#candidate = null
  }

  discard({ thread }: Candidate): void {
    this.#candidate = null
    if (thread !== null) this.#end(thread)
  }

  /**
   * Puts a set into use: its first worker takes jobs at once, others follow, and the earlier ones only finish theirs.
   * @returns resolves once the others are ready, or could not be started and will be tried again
   */
  adopt({ set, thread }: Candidate): Promise<unknown> {
    const before = [...this.#threads]
    this.#set = set
    this.#lastCulprit = null
    this.#toldSlow.clear()
    this.#resize(set)
    const [first, ...others] = this.#seats
    for (const each of before) this.#retire(each)
    const isAlive = thread !== null && thread.state !== "closed"
    if (first !== undefined && isAlive) this.#seat(thread, first)
    return Promise.all((isAlive ? others : this.#seats).map((seat) => seat.renew()))
  }

  /** Has another worker started in the seat of one that is gone or takes no more jobs. Returns the wait, in milliseconds. */
  vacate(thread: WorkerThread, isExplained: boolean): number {
    const seat = this.#seatOf.get(thread)
    this.#seatOf.delete(thread)
    return seat?.vacate({ readyForMs: thread.readyForMs, isExplained }) ?? 0
  }

  /** Gives a worker no more jobs, and has another one started in its seat. It ends once it has finished those that it has. */
  replace(thread: WorkerThread): void {
    thread.isEnding = true
    thread.state = "retiring"
    this.vacate(thread, true)
  }

  /** Removes a worker that is gone. Returns false for one that never took jobs, because its set was not adopted. */
  remove(thread: WorkerThread): boolean {
    return this.#threads.delete(thread)
  }

  /** Notes the module that a worker named as the cause of its end. */
  accuse(module: string | null): void {
    this.#lastCulprit = module
  }

  /**
   * Returns whether a module may have one more call. Counts those of all workers, also of those that only finish theirs,
   * or have been given up.
   */
  hasRoomFor({ concurrency, file }: ModuleManifest): boolean {
    if (concurrency === null) return true
    let calls = 0
    for (const thread of this.#threads) calls += thread.callsOf(file)
    return calls < concurrency
  }

  /** Ends all workers, those without jobs in order. @param withinMs how long that may take, in milliseconds */
  async end(withinMs: number): Promise<void> {
    const ending = [...this.#threads].map((thread) =>
      thread.jobs.size > 0 || withinMs <= 0
        ? thread.terminate()
        : endInOrder(thread, this.#options.logger, withinMs),
    )
    await Promise.all(ending)
    if (withinMs > 0) await Promise.all(this.#leaving)
  }

  /** Starts no more workers, and discards a candidate. */
  stop(): void {
    this.#isStopped = true
    this.abandon()
    for (const seat of this.#seats) seat.stop()
  }

  #resize({ files }: ModuleSet): void {
    const size = files.length === 0 ? 0 : this.#options.size
    if (size === this.#seats.length) return
    for (const seat of this.#seats) seat.stop()
    this.#seats = this.#newSeats(this.#set)
  }

  #newSeats({ files }: ModuleSet): readonly Seat[] {
    const startWorker = (seat: Seat): Promise<void> => this.#startWorker(seat)
    const { size, logger } = this.#options
    return Array.from({ length: files.length === 0 ? 0 : size }, () => new Seat({ startWorker, logger }))
  }

  async #startWorker(seat: Seat): Promise<void> {
    const set = this.#set
    const thread = this.#newThread(set)
    this.#threads.add(thread)
    try {
      const manifests = await this.#load(thread, set)
      if (set === this.#set) this.#loaded.resolve(manifests)
    } catch (error) {
      if (error instanceof ModuleLoadError && set === this.#set) this.#lastCulprit = error.file
      this.#end(thread)
      throw error
    }
    this.#seatOf.set(thread, seat)
    this.#options.onReady()
  }

  #seat(thread: WorkerThread, seat: Seat): void {
    this.#threads.add(thread)
    this.#seatOf.set(thread, seat)
    seat.occupy()
    this.#options.onReady()
  }

  #newThread(set: ModuleSet): WorkerThread {
    const { workerUrl, prefetch, environment, memoryLimitBytes, events } = this.#options
    const { loadTimeoutMs = LOAD_TIMEOUT_MS } = this.#options
    // Each module has one queue.
    const slots = prefetch * Math.max(1, set.files.length)
    return new WorkerThread(
      { workerUrl, slots, environment, memoryLimitBytes, loadTimeoutMs },
      { ...events, onSlowLoad: (file, seconds) => this.#tellSlow(file, seconds) },
    )
  }

  async #load(thread: WorkerThread, set: ModuleSet): Promise<readonly ModuleManifest[]> {
    const manifests = readManifests(await thread.load(set), locateIn(set.files))
    return manifests
  }

  /** Lets a worker of an earlier set finish its jobs. */
  #retire(thread: WorkerThread): void {
    this.#seatOf.delete(thread)
    thread.isEnding = true
    if (thread.jobs.size === 0) this.#end(thread)
    else thread.state = "retiring"
  }

  /** Ends a worker without jobs in the background. */
  #end(thread: WorkerThread): void {
    const ended = endInOrder(thread, this.#options.logger).finally(() => this.#leaving.delete(ended))
    this.#leaving.add(ended)
  }

  /** Tells once of each module that it loads slowly: all workers load it. */
  #tellSlow(file: string | null, seconds: number): void {
    if (this.#isStopped || this.#toldSlow.has(file)) return
    this.#toldSlow.add(file)
    const about = { ...(file !== null && { module: file }), seconds }
    this.#options.logger.warn(about, this.readyCount > 0 ? SLOW_RELOAD : SLOW_LOAD)
  }
}
