/** Lets the events of one key through one at a time, in arrival order. Events of other keys do not wait for them. */
export class KeyLanes {
  /** The callers that wait, by key. A key that is taken has an entry. */
  readonly #lanes = new Map<string, ((isMine: boolean) => void)[]>()
  #waiting = 0
  #isClosed = false

  /** Number of callers that wait for their turn. */
  get waiting(): number {
    return this.#waiting
  }

  /** Resolves with true when it is the caller's turn, which ends with `leave`; with false once the lanes are closed. */
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

  /** Ends all waits with false, in order. No caller has a turn after this. */
  close(): void {
    this.#isClosed = true
    for (const waiting of this.#lanes.values()) {
      for (const tell of waiting.splice(0)) tell(false)
    }
    this.#waiting = 0
  }
}
