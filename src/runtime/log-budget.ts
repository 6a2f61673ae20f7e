/**
 * Characters of log lines that one worker may have on their way to the main thread. Without a bound, a handler that logs
 * in a loop fills the memory of the main thread, which sees the lines only in its next turn.
 */
const MAX_CHARACTERS = 1024 * 1024

/** After lines were dropped, more are sent once this few are on their way, so that each gap is a long one. */
const RESUME_CHARACTERS = MAX_CHARACTERS / 2

const ON_THE_WAY = 0
const DROPPED = 1

/** How much a worker may still log, in memory that it shares with the main thread. */
export class LogBudget {
  /** To be posted to the worker, which makes its budget over the same memory. */
  readonly memory: SharedArrayBuffer
  readonly #counts: Int32Array
  #isInGap = false

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#counts = new Int32Array(memory)
  }

  static whole(): LogBudget {
    return new LogBudget(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  }

  static over(memory: SharedArrayBuffer): LogBudget {
    return new LogBudget(memory)
  }

  /**
   * The worker's side: takes what a line needs.
   * @returns whether it may be sent; a line that may not is counted as dropped
   */
  take(characters: number): boolean {
    const limit = this.#isInGap ? RESUME_CHARACTERS : MAX_CHARACTERS
    this.#isInGap = Atomics.load(this.#counts, ON_THE_WAY) + characters > limit
    if (this.#isInGap) Atomics.add(this.#counts, DROPPED, 1)
    else Atomics.add(this.#counts, ON_THE_WAY, characters)
    return !this.#isInGap
  }

  /**
   * The main thread's side: gives back what a line took.
   * @returns how many lines were dropped in a gap that ends now, else 0
   */
  giveBack(characters: number): number {
    const left = Atomics.sub(this.#counts, ON_THE_WAY, characters) - characters
    return left < RESUME_CHARACTERS ? Atomics.exchange(this.#counts, DROPPED, 0) : 0
  }
}
