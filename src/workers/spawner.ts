import { type Backoff, RetryDelays } from "../event/backoff.ts"
import { ModuleLoadError } from "../handlers/module-load-error.ts"
import { reasonOf } from "../system/reason-of.ts"
import type { Logger } from "../telemetry/logger.ts"

export interface SpawnerOptions {
  readonly wanted: number
  readonly running: () => number
  /** Starts one worker; resolves once it is ready. */
  readonly spawn: () => Promise<void>
  readonly logger: Logger
}

/** Waits before a worker is started again after one died without a job, in milliseconds. */
const RESPAWN_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 30_000 }

/** Keeps the wanted number of workers running. Starts one at a time. */
export class Spawner {
  readonly #options: SpawnerOptions
  readonly #delays = new RetryDelays(RESPAWN_BACKOFF)
  #isSpawning = false
  /** True if a worker died without a job while workers were started: the next one may die as well. */
  #hasOneDied = false
  #isStopped = false
  #timer: Timer | undefined

  constructor(options: SpawnerOptions) {
    this.#options = options
  }

  /**
   * Starts all workers. Resolves once all run, or one has crashed.
   * @throws {ModuleLoadError} if a module can't be used
   */
  async start(): Promise<void> {
    try {
      await this.#fill()
    } catch (error) {
      if (error instanceof ModuleLoadError) throw error
      this.#tryLater(error)
    }
  }

  /** Replaces a worker that is gone: at once if it had been given jobs, otherwise after a growing wait. */
  wake(hadWorked = true): void {
    if (hadWorked) {
      this.#delays.reset()
      this.#forgetTimer()
    } else this.#hasOneDied = true
    if (this.#isStopped || this.#isSpawning || this.#timer !== undefined) return
    if (hadWorked) this.#fill().catch((error) => this.#tryLater(error))
    else this.#tryLater(null)
  }

  stop(): void {
    this.#isStopped = true
    this.#forgetTimer()
  }

  async #fill(): Promise<void> {
    this.#isSpawning = true
    this.#hasOneDied = false
    try {
      while (!this.#isStopped && this.#options.running() < this.#options.wanted) {
        await this.#options.spawn()
        if (this.#hasOneDied) throw new Error("it ended before it was given an event")
      }
    } finally {
      this.#isSpawning = false
    }
  }

  #tryLater(error: unknown): void {
    if (this.#isStopped) return
    const delayMs = this.#delays.next()
    if (error !== null) {
      const reason = reasonOf(error)
      this.#options.logger.error(
        { reason, retry_in_ms: delayMs },
        "a worker could not be started; it will be tried again",
      )
    }
    this.#forgetTimer()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#fill().catch((again) => this.#tryLater(again))
    }, delayMs)
  }

  #forgetTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
