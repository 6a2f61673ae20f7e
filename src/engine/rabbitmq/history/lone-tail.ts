import type { Batch } from "./batch.ts"

/** Length of the batches that a tail keeps, in UTF-16 code units. Beyond it, they are read from the stream. */
const MAX_LENGTH = 16_777_216

/** A batch, and its place in the stream. */
export interface PlacedBatch {
  readonly batch: Batch
  readonly offset: number
}

/**
 * The batches that this instance sent since a mark, in their order. While nobody else writes, they follow the mark in the
 * stream without a gap. So a batch that is found where it then has to be proves that nothing of others is before it, and
 * none of them has to be read.
 */
export class LoneTail {
  #batches: Batch[] = []
  #first: Batch | null = null
  /** The channel that all have to be sent on: several can change their order. */
  #channel: object | null = null
  /** Offset of the first batch. Null until the mark was read. */
  #base: number | null = null
  #length = 0
  /** Position in `#batches` behind the last one that is known to be stored. */
  #stored = 0
  #isBroken = false

  /** True if the batches are not a whole part of the stream: they are too long, or were sent on several channels. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Ignores what is sent before this batch. */
  beginWith(first: Batch): void {
    this.#first = first
  }

  /** Adds a batch that was just sent. */
  sent(batch: Batch): void {
    if (this.#isBroken || (this.#channel === null && batch !== this.#first)) return
    this.#channel ??= batch.sentOn
    this.#batches.push(batch)
    this.#length += batch.length
    if (batch.sentOn !== this.#channel || this.#length > MAX_LENGTH) this.break()
  }

  /** Gives the batches up. */
  break(): void {
    this.#isBroken = true
    this.#batches = []
    this.#stored = 0
  }

  /** The first batch was read at this offset. */
  foundAt(offset: number): void {
    this.#base = offset
  }

  /** True if the batch with this token is the first. */
  beginsWith(token: string): boolean {
    return this.#batches[0]?.token === token
  }

  /** True if nothing was sent since the last batch that was taken. */
  get isEmpty(): boolean {
    return this.#batches.length <= 1
  }

  /** Offset of the last batch that is stored with all before it; null if none is behind the one that was taken last. */
  get storedTo(): number | null {
    while (this.#batches[this.#stored]?.isStored === true) this.#stored++
    return this.#base === null || this.#stored <= 1 ? null : this.#base + this.#stored - 1
  }

  /** Returns how a message of the stream relates to the tail. */
  find(offset: number, token: string): "before" | "own" | "foreign" {
    if (this.#base === null || offset < this.#base) return "before"
    return this.#batches[offset - this.#base]?.token === token ? "own" : "foreign"
  }

  /** Resolves with whether all batches up to the one that was found at this offset are stored. */
  async isStoredTo(offset: number): Promise<boolean> {
    const isStored = await this.#batches[offset - (this.#base ?? offset)]?.waited.promise
    return isStored === true && (this.storedTo ?? -1) >= offset
  }

  /** Takes the batches up to the one that was found at this offset. */
  takeTo(offset: number): readonly PlacedBatch[] {
    const base = this.#base ?? offset
    const count = offset - base
    const taken = this.#batches
      .slice(1, count + 1)
      .map((batch, index) => ({ batch, offset: base + 1 + index }))
    // The last one stays, as the place where the next ones follow.
    this.#batches.splice(0, count)
    this.#base = offset
    this.#stored -= count
    for (const { batch } of taken) this.#length -= batch.length
    return taken
  }
}
