import { EngineUnavailableError } from "../errors.ts"

/** Ends work that makes no progress. `feed` notes progress; without any for the given time, `stalled` rejects. */
export class StallWatch implements Disposable {
  readonly stalled: Promise<never>
  readonly #timeoutMs: number
  readonly #timer: Timer
  #error: EngineUnavailableError | null = null

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    const { promise, reject } = Promise.withResolvers<never>()
    this.stalled = promise
    // Callers may wait for the work alone.
    promise.catch(() => {})
    this.#timer = setTimeout(() => {
      this.#error = new EngineUnavailableError(`RabbitMQ made no progress for ${this.#timeoutMs} ms`)
      reject(this.#error)
    }, timeoutMs)
  }

  /** @throws {EngineUnavailableError} once it has stalled: what was given up must not go on. */
  feed(): void {
    this.check()
    this.#timer.refresh()
  }

  /** @throws {EngineUnavailableError} once it has stalled. */
  check(): void {
    if (this.#error !== null) throw this.#error
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}
