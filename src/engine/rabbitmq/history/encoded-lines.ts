import type { PublishedLine } from "../../../event/history-fact.ts"

/** Most bytes of UTF-8 for a UTF-16 code unit. Source: RFC 3629, section 3. */
const MAX_BYTES_PER_UNIT = 3

/** Length of what ends the line of a publication. */
const CLOSING_LENGTH = 1
export const LINE_BREAK_LENGTH = 1

/** In UTF-8. Ends the line of a publication. */
const CLOSING_BRACE = 0x7d
const LINE_BREAK = 0x0a

/** Lines of facts in UTF-8, each with a line break. Copying the events costs less than writing them once more, so they are copied as they were sent. */
export class EncodedLines {
  #buffer: Buffer
  #end = 0
  /** Beginning of the lines that nobody has taken. */
  #taken = 0

  /** @param room for so many bytes before the first copy is made */
  constructor(room: number) {
    this.#buffer = allocate(room)
  }

  /** All lines, without the last line break. */
  get all(): Buffer {
    return this.#buffer.subarray(0, Math.max(0, this.#end - LINE_BREAK_LENGTH))
  }

  add(line: string | PublishedLine): void {
    const head = typeof line === "string" ? line : line.head
    const event = typeof line === "string" ? null : line.event
    this.#makeRoom(
      head.length * MAX_BYTES_PER_UNIT + (event?.length ?? 0) + CLOSING_LENGTH + LINE_BREAK_LENGTH,
    )
    this.#end += this.#buffer.write(head, this.#end)
    if (event !== null) {
      this.#buffer.set(event, this.#end)
      this.#end += event.length
      this.#buffer[this.#end++] = CLOSING_BRACE
    }
    this.#buffer[this.#end++] = LINE_BREAK
  }

  /** Takes the lines that were added since the last call, each with its line break. */
  takeNew(): Buffer {
    const from = this.#taken
    this.#taken = this.#end
    return this.#buffer.subarray(from, this.#end)
  }

  #makeRoom(length: number): void {
    const needed = this.#end + length
    if (needed <= this.#buffer.length) return
    const larger = allocate(Math.max(needed, 2 * this.#end))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }
}

/** Not from the shared pool: batches are kept for a while, each apart from the others. */
const allocate = (length: number): Buffer => Buffer.allocUnsafeSlow(length)

/** Returns the length of a line, in UTF-16 code units and bytes of its event. */
export const lengthOf = (line: string | PublishedLine): number =>
  typeof line === "string" ? line.length : line.head.length + line.event.length + CLOSING_LENGTH
