/** Waits that can all be ended at once. */
export class Waits {
  readonly #waiting = new Map<Timer, (isOver: boolean) => void>()

  get size(): number {
    return this.#waiting.size
  }

  /** Resolves with true after that many milliseconds, with false where the waits were ended before. */
  for(delayMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(timer)
        resolve(true)
      }, delayMs)
      this.#waiting.set(timer, resolve)
    })
  }

  endAll(): void {
    for (const [timer, resolve] of this.#waiting) {
      clearTimeout(timer)
      resolve(false)
    }
    this.#waiting.clear()
  }
}
