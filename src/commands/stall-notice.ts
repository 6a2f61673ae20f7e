import { printError } from "./output.ts"
import { shown } from "./shown.ts"

/** Silence after which a wait is told, in milliseconds. An answer to a line takes some milliseconds. */
const SILENCE_MS = 2_000

/** Time between two looks, in milliseconds. */
const LOOK_INTERVAL_MS = 250

/** Waits that are told one by one. A queue that stays full makes one every few hundred events. */
const MAX_TOLD = 10

/**
 * Tells on standard error that sent lines get no answers, and when they get some again. The service is silent while
 * it waits for room in a queue. Input that is slow itself is no wait.
 */
export class StallNotice implements Disposable {
  readonly #clearLine: () => void
  readonly #timer: Timer
  /** Lines that were sent and are not answered. */
  #unanswered = 0
  /** Since when there has been no answer, on the monotonic clock. */
  #silentSince = 0
  #isStalled = false
  #told = 0

  /** @param clearLine clears the line that shows the progress */
  constructor(clearLine: () => void) {
    this.#clearLine = clearLine
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS)
  }

  /** Counts lines that were sent and will be answered. */
  sent(lines: number): void {
    if (lines === 0) return
    if (this.#unanswered <= 0) this.#silentSince = performance.now()
    this.#unanswered += lines
  }

  answered(): void {
    this.#unanswered--
    const now = performance.now()
    if (this.#isStalled) {
      this.#isStalled = false
      this.#say(`going on after ${Math.round((now - this.#silentSince) / 1_000)} s`)
      if (this.#told === MAX_TOLD) this.#say("further waits are not shown")
    }
    this.#silentSince = now
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    if (this.#isStalled || this.#unanswered <= 0 || this.#told === MAX_TOLD) return
    if (performance.now() - this.#silentSince < SILENCE_MS) return
    this.#isStalled = true
    this.#told++
    this.#say(
      "waiting: the service takes no more events for now, because a queue is full or the key's rate is used up",
    )
  }

  #say(text: string): void {
    this.#clearLine()
    printError(shown`event-broker: ${text}\n`)
  }
}
