import { type Backoff, RetryDelays } from "../event/backoff.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Reloaded } from "./generations.ts"

/** Backoff between reloads while the engine is up and can't say whether it takes the queues. */
const RELOAD_BACKOFF: Backoff = { initialMs: 500, factor: 2, maxMs: 30_000 }

export interface PersistentReloadOptions {
  readonly reload: () => Promise<Reloaded>
  /** True if the engine can be asked. */
  readonly isEngineUp: () => boolean
  readonly logger: Logger
}

/** Reloads handler modules when nobody reads the answer: for which the engine is away, once it is back. */
export class PersistentReload {
  readonly #options: PersistentReloadOptions
  readonly #delays = new RetryDelays(RELOAD_BACKOFF)
  /** True while a reload waits for the engine. */
  #isDue = false
  #timer: Timer | undefined

  constructor(options: PersistentReloadOptions) {
    this.#options = options
  }

  /** Resolves when the modules are reloaded, or the reload waits for the engine. Never rejects. */
  async reload(): Promise<void> {
    this.#isDue = false
    clearTimeout(this.#timer)
    const { kind } = await this.#options.reload()
    if (kind !== "unavailable") {
      this.#delays.reset()
      return
    }
    this.#isDue = true
    this.#options.logger.info("handler modules will be reloaded once the engine can be asked")
    // It may have come back meanwhile, or is up and does not answer.
    if (this.#options.isEngineUp()) this.#tryIn(this.#delays.next())
  }

  /** Call it when the engine has become ready. */
  engineReady(): void {
    if (this.#isDue) this.#tryIn(0)
  }

  stop(): void {
    this.#isDue = false
    clearTimeout(this.#timer)
  }

  #tryIn(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.reload(), delayMs)
  }
}
