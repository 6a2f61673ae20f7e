/**
 * Longest time that pieces of work run in one turn of the event loop, in milliseconds, before other work gets
 * its turn.
 */
const TURN_MS = 5

/**
 * Shares the event loop between requests with much work. Such work is split into pieces, and calls `next`
 * before each one. When the time of the current turn is used up, pieces wait, in the order of their calls.
 */
export class LoopTurns {
  /** Start of the first piece in this turn of the event loop; null if there was none. */
  #begunAt: number | null = null
  readonly #waiting: (() => void)[] = []

  /** Number of waiting pieces. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Returns null if the next piece may run now, otherwise a promise that resolves when it may. */
  next(): Promise<void> | null {
    const now = performance.now()
    if (this.#begunAt === null) this.#begin(now)
    else if (this.#waiting.length > 0 || now - this.#begunAt >= TURN_MS) {
      return new Promise((resolve) => this.#waiting.push(resolve))
    }
    return null
  }

  #begin(now: number): void {
    this.#begunAt = now
    setImmediate(() => this.#end())
  }

  #end(): void {
    this.#begunAt = null
    const first = this.#waiting.shift()
    if (first === undefined) return
    this.#begin(performance.now())
    first()
  }
}
