/** Progress of a job: given to the worker, begun there, or done. */
export type Progress = "given" | "begun" | "done"

const PROGRESS: readonly Progress[] = ["given", "begun", "done"]

const BYTES_PER_SLOT = Float64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT

/**
 * Progress of each job of one worker, in memory that the worker shares with the main thread. It costs no message, and
 * can be read when the worker no longer answers.
 */
export class JobBoard {
  /** Posted to the worker, which makes its board over the same memory. */
  readonly memory: SharedArrayBuffer
  /** By the steady clock: `performance.now` has a different origin in each thread. */
  readonly #begunAt: Float64Array
  readonly #progress: Int32Array
  readonly #now: () => number

  private constructor(memory: SharedArrayBuffer, now: () => number) {
    this.#now = now
    const slots = memory.byteLength / BYTES_PER_SLOT
    this.memory = memory
    this.#begunAt = new Float64Array(memory, 0, slots)
    this.#progress = new Int32Array(memory, slots * Float64Array.BYTES_PER_ELEMENT, slots)
  }

  /** @param now returns milliseconds by a clock that the threads share. Default: `steadyClock()`. */
  static withSlots(slots: number, now = steadyClock()): JobBoard {
    return new JobBoard(new SharedArrayBuffer(slots * BYTES_PER_SLOT), now)
  }

  /** Makes the worker's board. Both threads do this when the worker starts, so their steady clocks agree. */
  static over(memory: SharedArrayBuffer, now = steadyClock()): JobBoard {
    return new JobBoard(memory, now)
  }

  /** Records that the main thread has sent the job of this slot. */
  give(slot: number): void {
    Atomics.store(this.#progress, slot, PROGRESS.indexOf("given"))
  }

  /** Records that the worker is about to call the job's function. */
  begin(slot: number): void {
    this.#begunAt[slot] = this.#now()
    Atomics.store(this.#progress, slot, PROGRESS.indexOf("begun"))
  }

  /** Records that the job's function has returned. The job is done even if the worker dies now. */
  finish(slot: number): void {
    Atomics.store(this.#progress, slot, PROGRESS.indexOf("done"))
  }

  progressOf(slot: number): Progress {
    return PROGRESS[Atomics.load(this.#progress, slot)] ?? "given"
  }

  /** Returns how long the job has been running, in milliseconds; 0 if it has not begun. */
  runningForMs(slot: number): number {
    if (this.progressOf(slot) === "given") return 0
    return Math.max(0, this.#now() - (this.#begunAt[slot] ?? 0))
  }
}

/**
 * Returns a clock that reads the wall clock once, here, and continues by the monotonic clock. Clocks that several
 * threads make at the same moment agree, and a later jump of the wall clock moves none of them: it neither ends a
 * handler early nor lets it run longer.
 */
function steadyClock(): () => number {
  const origin = Date.now() - performance.now()
  return () => origin + performance.now()
}
