import { type FactBatch, lengthOf } from "../event/history-fact.ts"

/** Length of the batches that are applied together, in UTF-16 code units: some 100 ms of work for the thread. */
export const FULL_LENGTH = 4_194_304

/** Batches that wait to be applied, in order, and those that are being applied. */
export class WaitingBatches {
  #waiting: FactBatch[] = []
  #taken: readonly FactBatch[] = []
  #length = 0
  #added = 0
  #applied = 0

  /** Total length of all, in UTF-16 code units. */
  get length(): number {
    return this.#length
  }

  /** Number of batches that were ever added, and of those that were applied. */
  get added(): number {
    return this.#added
  }

  get applied(): number {
    return this.#applied
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  get areTaken(): boolean {
    return this.#taken.length > 0
  }

  add(batch: FactBatch): void {
    this.#waiting.push(batch)
    this.#length += lengthOf(batch)
    this.#added++
  }

  /** Takes the next batches to apply. */
  take(): readonly FactBatch[] {
    let length = 0
    let count = 0
    for (const batch of this.#waiting) {
      if (count > 0 && length + lengthOf(batch) > FULL_LENGTH) break
      length += lengthOf(batch)
      count++
    }
    this.#taken = this.#waiting.splice(0, count)
    return this.#taken
  }

  /** Forgets what was taken: it is applied. */
  settle(): void {
    this.#applied += this.#taken.length
    for (const batch of this.#taken) this.#length -= lengthOf(batch)
    this.#taken = []
  }

  /** Puts back what was taken. It is applied again, which does no harm if it was applied already. */
  restore(): void {
    this.#waiting = [...this.#taken, ...this.#waiting]
    this.#taken = []
  }
}
