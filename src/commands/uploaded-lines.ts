const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Follows the lines of an upload. A blank line is none: the service does not answer it. */
export class UploadedLines {
  #currentBytes = 0
  #lastByte: number | undefined

  /** Bytes of the last line that has no newline yet. */
  get currentBytes(): number {
    return this.#currentBytes
  }

  /** Follows the next chunk. Returns how many lines end in it. */
  add(chunk: Uint8Array): number {
    let count = 0
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      const length = this.#currentBytes + to - from
      const before = to === 0 ? this.#lastByte : chunk[to - 1]
      if (length > 1 || (length === 1 && before !== CARRIAGE_RETURN)) count++
      this.#currentBytes = 0
      from = to + 1
    }
    this.#currentBytes += chunk.length - from
    this.#lastByte = chunk.at(-1) ?? this.#lastByte
    return count
  }

  /** Ends the upload. Returns how many lines end here: one without a newline, or none. */
  end(): number {
    return this.#currentBytes > 0 ? 1 : 0
  }
}
