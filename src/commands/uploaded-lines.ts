const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Blank lines that follow each other, and the number of other lines before them. */
interface Gap {
  readonly after: number
  blanks: number
}

/**
 * Follows the lines of an upload and their answers, which come in order. A blank line does not count: the service does not
 * answer it.
 */
export class UploadedLines {
  #currentBytes = 0
  #lastByte: number | undefined
  #sent = 0
  #answered = 0
  #hasEnded = false
  /** Blank lines before the first line without an answer. */
  #blanksBefore = 0
  /** Behind that line, from the first on. */
  readonly #gaps: Gap[] = []

  /** Bytes of the last line that has no newline yet. */
  get currentBytes(): number {
    return this.#currentBytes
  }

  /** True if at least one line was added. */
  get hasSent(): boolean {
    return this.#sent > 0
  }

  /** Number of the first line without an answer, from 1. Blank lines are numbered, too. */
  get firstUnanswered(): number {
    return this.#answered + this.#blanksBefore + 1
  }

  /** True if the upload has ended and each line has an answer. */
  get areAllAnswered(): boolean {
    return this.#hasEnded && this.#answered >= this.#sent
  }

  /** The part of the lines that were sent that have an answer, from 0 to 1. */
  get answeredPart(): number {
    return this.#sent === 0 ? 0 : Math.min(1, this.#answered / this.#sent)
  }

  /** Follows the next chunk. Returns how many lines end in it. */
  add(chunk: Uint8Array): number {
    let count = 0
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      const length = this.#currentBytes + to - from
      const before = to === 0 ? this.#lastByte : chunk[to - 1]
      if (length > 1 || (length === 1 && before !== CARRIAGE_RETURN)) count++
      else this.#skipBlank(this.#sent + count)
      this.#currentBytes = 0
      from = to + 1
    }
    this.#currentBytes += chunk.length - from
    this.#lastByte = chunk.at(-1) ?? this.#lastByte
    this.#sent += count
    return count
  }

  /** Ends the upload. Returns how many lines end here: one without a newline, or none. */
  end(): number {
    const count = this.#currentBytes > 0 ? 1 : 0
    this.#hasEnded = true
    this.#sent += count
    return count
  }

  /** Follows the answer to the next line. */
  answered(): void {
    this.#answered++
    const [next] = this.#gaps
    if (next === undefined || next.after > this.#answered) return
    this.#blanksBefore += next.blanks
    this.#gaps.shift()
  }

  #skipBlank(after: number): void {
    const last = this.#gaps.at(-1)
    if (after <= this.#answered) this.#blanksBefore++
    else if (last?.after === after) last.blanks++
    else this.#gaps.push({ after, blanks: 1 })
  }
}
