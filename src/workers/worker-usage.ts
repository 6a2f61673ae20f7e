/** A worker's own word of what it uses. */
interface Sample {
  /** When it arrived, in milliseconds of `performance.now`. */
  readonly at: number
  /** CPU time since its start, in milliseconds. */
  readonly cpuMs: number
}

/** CPU time of a worker, as a share of one core. */
export interface CpuShare {
  /** 1 is a whole core. */
  readonly share: number
  /** Length of the time that it is the share of, in milliseconds. */
  readonly overMs: number
}

/** Shortest time that the share of the CPU is measured over, in milliseconds, unless the worker is younger. */
const WINDOW_MS = 2_000

/** A worker that has not answered for this long does not respond, in milliseconds. */
const PATIENCE_MS = 1_000

/** The memory and the CPU time of a worker. Only it can tell, and only while its event loop turns. */
export class WorkerUsage {
  readonly #clock: () => number
  #before: Sample
  #latest: Sample | null = null
  #heapBytes: number | null = null
  #asked: { readonly at: number; readonly answered: PromiseWithResolvers<void> } | null = null

  /** @param clock returns milliseconds. Default: `performance.now` */
  constructor(clock = () => performance.now()) {
    this.#clock = clock
    this.#before = { at: clock(), cpuMs: 0 }
  }

  /** The size of its heap at the last collection, with buffers, in bytes; null before its first answer. */
  get heapBytes(): number | null {
    return this.#heapBytes
  }

  /** Null before its first answer. */
  get cpu(): CpuShare | null {
    if (this.#latest === null) return null
    const overMs = this.#latest.at - this.#before.at
    const share = overMs > 0 ? (this.#latest.cpuMs - this.#before.cpuMs) / overMs : 0
    return { share: Math.max(0, share), overMs }
  }

  /** False if it has not answered for a while: a function of it does not yield. */
  get isResponding(): boolean {
    return this.#asked === null || this.#clock() - this.#asked.at < PATIENCE_MS
  }

  /**
   * Asks the worker, unless it has not answered yet.
   * @param ask sends the question
   * @returns resolves with its answer
   */
  ask(ask: () => void): Promise<void> {
    if (this.#asked === null) {
      this.#asked = { at: this.#clock(), answered: Promise.withResolvers() }
      ask()
    }
    return this.#asked.answered.promise
  }

  answer(heapBytes: number, cpuMs: number): void {
    if (this.#latest !== null && this.#latest.at - this.#before.at >= WINDOW_MS) this.#before = this.#latest
    this.#latest = { at: this.#clock(), cpuMs }
    this.#heapBytes = heapBytes
    this.#asked?.answered.resolve()
    this.#asked = null
  }
}
