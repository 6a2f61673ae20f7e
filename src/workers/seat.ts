import { type Backoff, RetryDelays } from "../event/backoff.ts"
import { ModuleLoadError } from "../handlers/module-load-error.ts"
import { reasonOf } from "../system/reason-of.ts"
import type { Logger } from "../telemetry/logger.ts"

export interface SeatOptions {
  /** Starts a worker for the seat. Resolves once it is ready; rejects if it can't be started. */
  readonly startWorker: (seat: Seat) => Promise<void>
  readonly logger: Logger
}

/** Why a seat is free. */
export interface Vacancy {
  /** How long its worker had been ready, in milliseconds. */
  readonly readyForMs: number
  /** True if an event is to blame. */
  readonly isExplained: boolean
}

/** A worker that has been ready for this long has started well, in milliseconds. */
export const STARTED_WELL_MS = 10_000

/** Waits before a worker is started again after one ended soon after its start, in milliseconds. */
const RESTART_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 30_000 }

/** The same if an event is to blame: its attempts bound how often that happens, and other events wait for the worker. */
const EXPLAINED_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 1_000 }

/** Ends in a row, soon after the start and without an event to blame, that are more than bad luck. */
const MIN_FAULTY_ENDS = 2

/** A place in the pool for one worker. Starts the next worker when the last one is gone, after growing waits if need be. */
export class Seat {
  readonly #options: SeatOptions
  readonly #delays = new RetryDelays(RESTART_BACKOFF)
  readonly #explainedDelays = new RetryDelays(EXPLAINED_BACKOFF)
  #state: "empty" | "starting" | "taken" | "waiting" | "stopped" = "empty"
  /** Ends in a row that no event explains. */
  #unexplained = 0
  #takenAt = 0
  /** How often a worker was replaced here, since the modules that are in use were loaded. */
  #replaced = 0
  /** Starts of workers so far. Only the latest one counts. */
  #starts = 0
  #timer: Timer | undefined

  constructor(options: SeatOptions) {
    this.#options = options
  }

  /** True while its workers end again and again soon after their start, and no event is to blame. */
  get isFaulty(): boolean {
    if (this.#unexplained < MIN_FAULTY_ENDS) return false
    return this.#state !== "taken" || performance.now() - this.#takenAt < STARTED_WELL_MS
  }

  /** True while it waits to start the next worker. */
  get isWaiting(): boolean {
    return this.#state === "waiting"
  }

  /** How often a worker was replaced here because it ended, was ended, or used too much memory; without reloads. */
  get replaced(): number {
    return this.#replaced
  }

  /**
   * Starts the first worker. Resolves once it is ready, or could not be started and will be tried again.
   * @throws {ModuleLoadError} if a module can't be used
   */
  async open(): Promise<void> {
    const start = ++this.#starts
    try {
      await this.#start(start)
    } catch (error) {
      if (error instanceof ModuleLoadError) throw error
      this.#tryLater(error, start)
    }
  }

  /** Gives the seat to a worker that is ready, in place of the one that it has, or is starting. */
  occupy(): void {
    if (this.#state === "stopped") return
    this.#begin()
    this.#take()
  }

  /**
   * Starts another worker now, in place of the one that it has, or is starting. What happened before is forgotten. Resolves
   * once it is ready, or could not be started and will be tried again.
   */
  async renew(): Promise<void> {
    if (this.#state === "stopped") return
    this.#begin()
    await this.#startNow()
  }

  /**
   * Starts another worker because the last one is gone, or takes no more jobs: at once if that one had started well, and
   * otherwise after a wait, which grows.
   * @returns the wait in milliseconds
   */
  vacate({ readyForMs, isExplained }: Vacancy): number {
    if (this.#state === "stopped") return 0
    this.#replaced++
    const hadStartedWell = readyForMs >= STARTED_WELL_MS
    if (hadStartedWell) {
      this.#delays.reset()
      this.#explainedDelays.reset()
    }
    this.#unexplained = hadStartedWell || isExplained ? 0 : this.#unexplained + 1
    const delays = isExplained ? this.#explainedDelays : this.#delays
    const delayMs = hadStartedWell ? 0 : delays.next()
    this.#wait(delayMs)
    return delayMs
  }

  stop(): void {
    this.#state = "stopped"
    clearTimeout(this.#timer)
  }

  /** Forgets the earlier workers: the next ones run other code. */
  #begin(): void {
    this.#starts++
    this.#replaced = 0
    clearTimeout(this.#timer)
    this.#delays.reset()
    this.#explainedDelays.reset()
    this.#unexplained = 0
  }

  async #start(start: number): Promise<void> {
    this.#state = "starting"
    await this.#options.startWorker(this)
    if (this.#isCurrent(start)) this.#take()
  }

  #take(): void {
    this.#state = "taken"
    this.#takenAt = performance.now()
  }

  /** Never rejects. */
  async #startNow(): Promise<void> {
    const start = ++this.#starts
    try {
      await this.#start(start)
    } catch (error) {
      this.#tryLater(error, start)
    }
  }

  #tryLater(error: unknown, start: number): void {
    if (!this.#isCurrent(start)) return
    this.#unexplained++
    const delayMs = this.#delays.next()
    this.#options.logger.error(
      { reason: reasonOf(error), retry_in_ms: delayMs },
      "a worker could not be started; it will be tried again",
    )
    this.#wait(delayMs)
  }

  /** Returns false for a start that another one, or the stop, has made pointless. */
  #isCurrent(start: number): boolean {
    return start === this.#starts && this.#state === "starting"
  }

  #wait(delayMs: number): void {
    this.#state = "waiting"
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#startNow(), delayMs)
  }
}
