/** Counts requests without a complete response, so that a server can wait for them before it closes. */
export class InFlight {
  #count = 0
  #onDrained: (() => void) | undefined

  begin(): void {
    this.#count++
  }

  end(): void {
    this.#count--
    // The response is handed over after this call returns, so the wait ends one turn later.
    if (this.#count === 0 && this.#onDrained !== undefined) setTimeout(this.#onDrained)
  }

  /** Resolves when there is none, after at most `timeoutMs` milliseconds. */
  async drained(timeoutMs: number): Promise<void> {
    if (this.#count === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onDrained = resolve
    const timer = setTimeout(resolve, timeoutMs)
    await promise
    clearTimeout(timer)
  }
}
