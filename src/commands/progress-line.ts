import { printError } from "./output.ts"
import { shown, verbatim } from "./shown.ts"

/** How often the line is rewritten, in milliseconds. */
const INTERVAL_MS = 100

/** Width of the bar, in characters. */
const BAR_WIDTH = 24

const CLEAR_LINE = verbatim("\r\x1b[K")

interface Counts {
  readonly stored: number
  readonly failed: number
}

/** Shows the progress of a long publish on one line of a terminal, which it rewrites. Shows nothing in a pipe. */
export class ProgressLine implements Disposable {
  readonly #startedAt = performance.now()
  readonly #isShown = process.stderr.isTTY === true
  /** Number of bytes in all; null if it is not known. */
  readonly #total: number | null
  #sent = 0
  #answeredPart = 0
  #shownAt = 0

  constructor(total: number | null) {
    this.#total = total
  }

  /** Counts bytes that are on their way. */
  sent(bytes: number): void {
    this.#sent += bytes
  }

  /** @param part the part of what was sent that has an answer, from 0 to 1 */
  answered(part: number): void {
    this.#answeredPart = part
  }

  show(counts: Counts): void {
    const now = performance.now()
    if (!this.#isShown || now - this.#shownAt < INTERVAL_MS) return
    this.#shownAt = now
    printError(shown`${CLEAR_LINE}${this.#textOf(counts)}`)
  }

  /** Clears the line, so that another one can be written. */
  clear(): void {
    if (this.#isShown) printError(CLEAR_LINE)
  }

  end(counts: Counts): void {
    if (this.#isShown) printError(shown`${CLEAR_LINE}${this.#textOf(counts)}\n`)
  }

  [Symbol.dispose](): void {
    this.clear()
  }

  #textOf({ stored, failed }: Counts): string {
    const seconds = (performance.now() - this.#startedAt) / 1_000
    const rate = Math.round((stored + failed) / Math.max(seconds, 0.001))
    const number = new Intl.NumberFormat("en")
    return `${this.#bar()}${number.format(stored)} stored, ${number.format(failed)} failed, ${number.format(rate)}/s`
  }

  #bar(): string {
    if (this.#total === null || this.#total === 0) return ""
    const part = Math.min(1, this.#sent / this.#total) * this.#answeredPart
    const filled = Math.round(part * BAR_WIDTH)
    return `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}] ${Math.round(part * 100)}%  `
  }
}
