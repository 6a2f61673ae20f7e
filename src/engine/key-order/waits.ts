/** Waits that can all be ended at once. */
export class Waits {
  readonly #waiting = new Map<Timer, (isOver: boolean) => void>()
  #isEnded = false

  get size(): number {
    return this.#waiting.size
  }

  /** Resolves with true after the delay in milliseconds, or with false when the waits are ended. */
  for(delayMs: number): Promise<boolean> {
    if (this.#isEnded) return Promise.resolve(false)
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(timer)
        resolve(true)
      }, delayMs)
      // The engine's owner ends the process, and with it what is held.
      timer.unref()
      this.#waiting.set(timer, resolve)
    })
  }

  /** Ends all waits, and any that begin later. */
  end(): void {
    this.#isEnded = true
    for (const [timer, resolve] of this.#waiting) {
      clearTimeout(timer)
      resolve(false)
    }
    this.#waiting.clear()
  }
}
