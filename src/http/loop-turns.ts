/** How long pieces of work run in one turn of the event loop before all else gets its turn, in milliseconds. */
const TURN_MS = 5

/**
 * Shares the event loop between requests that have much to do. Such work is cut into pieces; before each, `next` is
 * asked. In a turn of the loop that had its time, pieces wait, in the order in which they asked.
 */
export class LoopTurns {
  /** When the first piece of this turn of the loop began; null before there was one. */
  #begunAt: number | null = null
  readonly #waiting: (() => void)[] = []

  /** How many pieces wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Returns null if the next piece may run at once, or else a promise for when it may. */
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
