import { printError } from "./output.ts"
import { shown } from "./shown.ts"

/** Silence after which a wait is told, in milliseconds. An answer to a line takes some milliseconds. */
const SILENCE_MS = 2_000

/** Time between two looks, in milliseconds. */
const LOOK_INTERVAL_MS = 250

/** Waits that are told one by one. A queue that stays full makes one every few hundred events. */
const MAX_TOLD = 10

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * Tells on standard error that sent lines get no answers, and when they get some again. The service is silent while
 * it waits for room in a queue. Input that is slow itself is no wait.
 */
export class StallNotice implements Disposable {
  readonly #clearLine: () => void
  readonly #timer: Timer
  /** Lines that were sent and are not answered. */
  #unanswered = 0
  /** Bytes of the last line that has no newline yet. */
  #restBytes = 0
  /** Since when there has been no answer, on the monotonic clock. */
  #silentSince = 0
  #isStalled = false
  #told = 0

  /** @param clearLine clears the line that shows the progress */
  constructor(clearLine: () => void) {
    this.#clearLine = clearLine
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS)
  }

  /** Counts the lines that end in a chunk. The service answers none that is blank. */
  sent(chunk: Uint8Array): void {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      const length = this.#restBytes + to - from
      if (length > 1 || (length === 1 && chunk[to - 1] !== CARRIAGE_RETURN)) this.#expect()
      this.#restBytes = 0
      from = to + 1
    }
    this.#restBytes += chunk.length - from
  }

  /** Counts the last line, if no newline ended it. */
  ended(): void {
    if (this.#restBytes > 0) this.#expect()
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

  #expect(): void {
    if (this.#unanswered++ === 0) this.#silentSince = performance.now()
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
