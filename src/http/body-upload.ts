import { type BodyLimits, requireRoom, takeNew } from "./body-limits.ts"
import { Account, type WhoTakes } from "./shared-budget.ts"
import { bodyTimeout, inTime } from "./time-limit.ts"

const readerOf = (request: Request) => request.body?.getReader()

type Reader = NonNullable<ReturnType<typeof readerOf>>

/**
 * A body of any size that is processed while it arrives. Only bytes that were read and are still held count
 * for the byte budget: an upload that waits for its client uses none of it.
 */
export class BodyUpload implements Disposable {
  readonly #limits: BodyLimits
  readonly #who: WhoTakes
  readonly #signal: AbortSignal
  readonly #reader: Reader | undefined
  readonly #open: Account
  readonly #bytes: Account
  /** How long the client has kept us waiting since the last complete line, in milliseconds. */
  #waitedMs = 0

  /** @throws {ProblemError} `too-many-in-flight`. */
  constructor(request: Request, limits: BodyLimits, who: WhoTakes, signal: AbortSignal) {
    this.#open = takeNew(limits.uploads, who, 1, "The open uploads")
    this.#limits = limits
    this.#who = who
    this.#signal = signal
    this.#bytes = new Account(limits.bytes, who)
    this.#reader = readerOf(request)
  }

  /**
   * Yields the next chunk on demand. Ends early, without an error, when the signal aborts.
   * @throws {ProblemError} `too-many-in-flight`, or `request-timeout` if no complete line arrives in time.
   */
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    const stop = (): void => void this.#reader?.cancel().catch(() => {})
    this.#signal.addEventListener("abort", stop)
    try {
      while (this.#reader !== undefined && !this.#signal.aborted) {
        const { done, value } = await this.#read(this.#reader)
        if (done) return
        requireRoom(this.#bytes.take(value.length), this.#who, "The bodies in flight")
        yield value
      }
    } finally {
      this.#signal.removeEventListener("abort", stop)
      stop()
    }
  }

  /**
   * Reports how the chunks read so far were processed.
   * @param heldBytes number of their bytes that are still held
   * @param hasProgressed true if they completed a line: the timeout for the next one restarts
   */
  settle(heldBytes: number, hasProgressed: boolean): void {
    this.#bytes.keep(heldBytes)
    if (hasProgressed) this.#waitedMs = 0
  }

  [Symbol.dispose](): void {
    this.#bytes[Symbol.dispose]()
    this.#open[Symbol.dispose]()
  }

  async #read(reader: Reader) {
    const { timeoutMs } = this.#limits
    const begunAt = performance.now()
    const read = inTime(reader.read(), timeoutMs - this.#waitedMs, () =>
      bodyTimeout(timeoutMs, "A complete line"),
    )
    const result = await read
    this.#waitedMs += performance.now() - begunAt
    return result
  }
}
