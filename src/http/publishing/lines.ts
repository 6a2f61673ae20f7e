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

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The lines that end in this chunk. */
  push(chunk: Uint8Array): readonly Line[] {
    const lines: Line[] = []
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      this.#add(chunk.subarray(from, to))
      lines.push(...this.end())
      from = to + 1
    }
    this.#add(chunk.subarray(from))
    return lines
  }

  /** The line that no newline has ended. */
  end(): readonly Line[] {
    const isTooLong = this.#restBytes > this.#maxBytes
    const line = isTooLong ? null : Buffer.concat(this.#rest)
    this.#rest = []
    this.#restBytes = 0
    if (line === null) return [null]
    const text = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
    return text.length === 0 ? [] : [text]
  }

  #add(bytes: Uint8Array): void {
    this.#restBytes += bytes.length
    if (this.#restBytes <= this.#maxBytes) this.#rest.push(bytes)
    else this.#rest = []
  }
}
