import { now } from "../system/intrinsics.ts"

/** Progress of a job: given to the worker, begun there, or done. */
export type Progress = "given" | "begun" | "done"

const PROGRESS: readonly Progress[] = ["given", "begun", "done"]
const [GIVEN, BEGUN, DONE] = [0, 1, 2]

const BYTES_PER_SLOT = 2 * Float64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT

/**
 * Progress of each job of one worker, in memory that the worker shares with the main thread. It costs no message, and
 * can be read when the worker no longer answers.
 */
export class JobBoard {
  /** Posted to the worker, which makes its board over the same memory. */
  readonly memory: SharedArrayBuffer
  /** By the steady clock: `performance.now` has a different origin in each thread. */
  readonly #begunAt: Float64Array
  /** When the job's timeout began to count: at its begin, or at its last heartbeat. By the same clock. */
  readonly #aliveAt: Float64Array
  readonly #progress: Int32Array
  readonly #clock: () => number

  private constructor(memory: SharedArrayBuffer, clock: () => number) {
    this.#clock = clock
    const slots = memory.byteLength / BYTES_PER_SLOT
    this.memory = memory
    this.#begunAt = new Float64Array(memory, 0, slots)
    this.#aliveAt = new Float64Array(memory, slots * Float64Array.BYTES_PER_ELEMENT, slots)
    this.#progress = new Int32Array(memory, 2 * slots * Float64Array.BYTES_PER_ELEMENT, slots)
  }

  /** @param clock returns milliseconds by a clock that the threads share. Default: `steadyClock()`. */
  static withSlots(slots: number, clock = steadyClock()): JobBoard {
    return new JobBoard(new SharedArrayBuffer(slots * BYTES_PER_SLOT), clock)
  }

  /** Makes the worker's board. Both threads do this when the worker starts, so their steady clocks agree. */
  static over(memory: SharedArrayBuffer, clock = steadyClock()): JobBoard {
    return new JobBoard(memory, clock)
  }

  /** Records that the main thread has sent the job of this slot. */
  give(slot: number): void {
    Atomics.store(this.#progress, slot, GIVEN)
  }

  /** Records that the worker is about to call the job's function. */
  begin(slot: number): void {
    const begunAt = this.#clock()
    this.#begunAt[slot] = begunAt
    this.#aliveAt[slot] = begunAt
    Atomics.store(this.#progress, slot, BEGUN)
  }

  /** Records that the job's function goes on: its timeout counts again from now. */
  beat(slot: number): void {
    this.#aliveAt[slot] = this.#clock()
  }

  /** Records that the job's function has returned. The job is done even if the worker dies now. */
  finish(slot: number): void {
    Atomics.store(this.#progress, slot, DONE)
  }

  progressOf(slot: number): Progress {
    return PROGRESS[Atomics.load(this.#progress, slot)] ?? "given"
  }

  /** Returns how long the job has been running, in milliseconds; 0 if it has not begun. */
  runningForMs(slot: number): number {
    return this.#since(this.#begunAt, slot)
  }

  /** Returns the time since the job's begin or last heartbeat, in milliseconds; 0 if it has not begun. */
  silentForMs(slot: number): number {
    return this.#since(this.#aliveAt, slot)
  }

  #since(times: Float64Array, slot: number): number {
    if (this.progressOf(slot) === "given") return 0
    return Math.max(0, this.#clock() - (times[slot] ?? 0))
  }
}

/**
 * Returns a clock that reads the wall clock once, here, and continues by the monotonic clock. Clocks that several
 * threads make at the same moment agree, and a later jump of the wall clock moves none of them: it neither ends a
 * handler early nor lets it run longer.
 */
function steadyClock(): () => number {
  const origin = Date.now() - now()
  return () => origin + now()
}
