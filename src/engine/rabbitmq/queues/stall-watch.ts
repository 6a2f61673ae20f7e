import { EngineUnavailableError } from "../../errors.ts"

/**
 * Ends work that makes no progress. `feed` records progress; without any for the given time, `stalled`
 * rejects.
 */
export class StallWatch implements Disposable {
  readonly stalled: Promise<never>
  readonly #timeoutMs: number
  readonly #timer: Timer
  #error: EngineUnavailableError | null = null

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    const { promise, reject } = Promise.withResolvers<never>()
    this.stalled = promise
    // Callers may wait only for the work.
    promise.catch(() => {})
    this.#timer = setTimeout(() => {
      this.#error = new EngineUnavailableError(`RabbitMQ made no progress for ${this.#timeoutMs} ms`)
      reject(this.#error)
    }, timeoutMs)
  }

  /** @throws {EngineUnavailableError} after a stall, because work that was given up must not continue. */
  feed(): void {
    this.check()
    this.#timer.refresh()
  }

  /** @throws {EngineUnavailableError} after a stall. */
  check(): void {
    if (this.#error !== null) throw this.#error
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}
