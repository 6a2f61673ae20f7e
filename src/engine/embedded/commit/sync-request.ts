/**
 * Requests from the engine to its sync thread, through shared memory. A `postMessage` would wait for the
 * thread's event loop, which the thread does not run.
 */

/** Follow-ups of a request: the thread runs one after the log is on the disk. */
export const THEN_NOTHING = 0
/** Copy the log into the database, so that SQLite can restart the log. */
export const THEN_CHECKPOINT = 1
/** Take over the store, so that the engine can close its own connection. */
export const THEN_TAKE_OVER = 2

export type FollowUp = typeof THEN_NOTHING | typeof THEN_CHECKPOINT | typeof THEN_TAKE_OVER

const NUMBER = 0
const THEN = 1
/** Index in the view of 64-bit numbers. */
const TURN = 1

const BYTES = 16

/** One request at a time. Make the next one after the previous one is answered. */
export class SyncRequest {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #turns: BigInt64Array

  /** @param memory memory of the other side. Default: new memory */
  constructor(memory = new SharedArrayBuffer(BYTES)) {
    this.memory = memory
    this.#words = new Int32Array(memory)
    this.#turns = new BigInt64Array(memory)
  }

  /** Wakes the thread. */
  make(turn: number, followUp: FollowUp): void {
    Atomics.store(this.#turns, TURN, BigInt(turn))
    Atomics.store(this.#words, THEN, followUp)
    Atomics.add(this.#words, NUMBER, 1)
    Atomics.notify(this.#words, NUMBER)
  }

  /** Number of the latest request. It overflows, so compare it only for equality. */
  get number(): number {
    return Atomics.load(this.#words, NUMBER)
  }

  /**
   * Blocks until the request number differs from `number`, or for `timeoutMs` milliseconds. Returns false on
   * a timeout.
   */
  waitForOther(number: number, timeoutMs: number): boolean {
    return Atomics.wait(this.#words, NUMBER, number, timeoutMs) !== "timed-out"
  }

  get turn(): number {
    return Number(Atomics.load(this.#turns, TURN))
  }

  get followUp(): FollowUp {
    const followUp = Atomics.load(this.#words, THEN)
    return followUp === THEN_CHECKPOINT || followUp === THEN_TAKE_OVER ? followUp : THEN_NOTHING
  }
}
