import { type BodyLimits, requireRoom, takeNew } from "./body-limits.ts"
import { Account, type WhoTakes } from "./shared-budget.ts"
import { bodyTimeout, inTime } from "./time-limit.ts"

const readerOf = (request: Request) => request.body?.getReader()

type Reader = NonNullable<ReturnType<typeof readerOf>>

/**
 * A body that is worked off while it arrives, whatever its size. Only what was read and is still held counts for the
 * budget of bytes: an upload that waits for its client costs nothing of it.
 */
export class BodyUpload implements Disposable {
  readonly #limits: BodyLimits
  readonly #who: WhoTakes
  readonly #signal: AbortSignal
  readonly #reader: Reader | undefined
  readonly #open: Account
  readonly #bytes: Account
  /** How long its client was waited for since something whole arrived, in milliseconds. */
  #waitedMs = 0

  /** @throws {ProblemError} `too-many-in-flight`. */
  constructor(request: Request, limits: BodyLimits, who: WhoTakes, signal: AbortSignal) {
    this.#open = takeNew(limits.uploads, who, 1, "The uploads that are open")
    this.#limits = limits
    this.#who = who
    this.#signal = signal
    this.#bytes = new Account(limits.bytes, who)
    this.#reader = readerOf(request)
  }

  /**
   * Reads the next chunk each time that it is asked for one. It ends early, without an error, once the signal is aborted.
   * @throws {ProblemError} `too-many-in-flight`; or `request-timeout` if nothing whole arrives in time.
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
   * Says what became of the chunks so far.
   * @param heldBytes how much of them is still held
   * @param hasProgressed whether they had something whole: then the time for the next begins anew
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
      bodyTimeout(timeoutMs, "A whole line"),
    )
    const result = await read
    this.#waitedMs += performance.now() - begunAt
    return result
  }
}
