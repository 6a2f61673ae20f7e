const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** A line of a body. */
export interface Line {
  /** Without the line ending; null if the line is too long. */
  readonly bytes: Uint8Array | null
  /** Counts blank lines, too. */
  readonly number: number
}

/**
 * Splits a body into lines while it arrives. Skips blank lines, and does not keep lines that are too long.
 */
export class LineSplitter {
  readonly #maxBytes: number
  /** The pieces of the body since its last newline. */
  #rest: Uint8Array[] = []
  #restBytes = 0
  #count: number

  /** @param firstLine number of the first line. Default: 1 */
  constructor(maxBytes: number, firstLine = 1) {
    this.#maxBytes = maxBytes
    this.#count = firstLine - 1
  }

  /** Bytes kept of the unfinished line. */
  get heldBytes(): number {
    return this.#rest.length === 0 ? 0 : this.#restBytes
  }

  /** Number of the last finished line; blank ones count. */
  get count(): number {
    return this.#count
  }

  /** Yields the lines that end in this chunk. */
  *push(chunk: Uint8Array): Generator<Line, void> {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      if (to > from) this.#add(chunk.subarray(from, to))
      from = to + 1
      this.#count++
      if (this.#restBytes > 0) yield* this.#finish(this.#count)
    }
    if (from < chunk.length) this.#add(chunk.subarray(from))
  }

  /** Yields the last line, if no newline ended it. */
  *end(): Generator<Line, void> {
    yield* this.#finish(this.#count + 1)
  }

  *#finish(number: number): Generator<Line, void> {
    const isTooLong = this.#restBytes > this.#maxBytes
    const line = isTooLong ? null : Buffer.concat(this.#rest)
    this.#rest = []
    this.#restBytes = 0
    if (line === null) {
      yield { bytes: null, number }
      return
    }
    const text = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
    if (text.length > 0) yield { bytes: text, number }
  }

  #add(bytes: Uint8Array): void {
    this.#restBytes += bytes.length
    if (this.#restBytes <= this.#maxBytes) this.#rest.push(bytes)
    else this.#rest = []
  }
}
