const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** A line of a body, without its end; null in place of one that is too long. */
export type Line = Uint8Array | null

/** Cuts a body into lines as it comes. Blank lines are left out, and one that is too long is not kept. */
export class LineSplitter {
  readonly #maxBytes: number
  /** What the body has had since its last newline. */
  #rest: Uint8Array[] = []
  #restBytes = 0
  #count = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that are kept of the line that has not ended. */
  get heldBytes(): number {
    return this.#rest.length === 0 ? 0 : this.#restBytes
  }

  /** Lines that have ended, blank ones included. */
  get count(): number {
    return this.#count
  }

  /** Gives the lines that end in this chunk, each as it is asked for. */
  *push(chunk: Uint8Array): Generator<Line, void> {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      if (to > from) this.#add(chunk.subarray(from, to))
      from = to + 1
      this.#count++
      if (this.#restBytes > 0) yield* this.end()
    }
    if (from < chunk.length) this.#add(chunk.subarray(from))
  }

  /** Gives the line that no newline has ended, if there is one. */
  *end(): Generator<Line, void> {
    const isTooLong = this.#restBytes > this.#maxBytes
    const line = isTooLong ? null : Buffer.concat(this.#rest)
    this.#rest = []
    this.#restBytes = 0
    if (line === null) {
      yield null
      return
    }
    const text = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
    if (text.length > 0) yield text
  }

  #add(bytes: Uint8Array): void {
    this.#restBytes += bytes.length
    if (this.#restBytes <= this.#maxBytes) this.#rest.push(bytes)
    else this.#rest = []
  }
}
