/**
 * Lets the events of one key through one at a time, in the order in which they came; those of other keys do not wait
 * for them.
 */
export class KeyLanes {
  /** Who waits for each key that is taken. */
  readonly #lanes = new Map<string, ((isMine: boolean) => void)[]>()
  #waiting = 0
  #isClosed = false

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting
  }

  /** Resolves with true when it is the caller's turn, who then has to `leave`; with false where the lanes closed. */
  enter(key: string): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false)
    const waiting = this.#lanes.get(key)
    if (waiting === undefined) {
      this.#lanes.set(key, [])
      return Promise.resolve(true)
    }
    this.#waiting++
    return new Promise((resolve) => waiting.push(resolve))
  }

  leave(key: string): void {
    const next = this.#lanes.get(key)?.shift()
    if (next === undefined) {
      this.#lanes.delete(key)
      return
    }
    this.#waiting--
    next(true)
  }

  /** Nobody has a turn after this; those who wait are told, in their order. */
  close(): void {
    this.#isClosed = true
    for (const waiting of this.#lanes.values()) {
      for (const tell of waiting.splice(0)) tell(false)
    }
    this.#waiting = 0
  }
}
