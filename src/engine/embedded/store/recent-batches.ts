import type { FactBatch } from "../../../event/history-fact.ts"

/** A batch with its number. */
export interface NumberedBatch extends FactBatch {
  readonly seq: number
}

/** Most characters of facts that are kept in memory. */
const MAX_LENGTH = 4_194_304

/**
 * The newest batches of a store, for a follower that keeps up: reading them back from the store takes as long as writing
 * the events that they tell of.
 */
export class RecentBatches {
  #batches: NumberedBatch[] = []
  #length = 0

  add(batch: NumberedBatch): void {
    this.#batches.push(batch)
    this.#length += batch.text.length
    // The follower is far behind, and reads the store.
    if (this.#length > MAX_LENGTH) this.#clear()
  }

  /** Takes the batches that follow one without a gap; none if the next one is not here. */
  takeAfter(after: number, through: number): readonly NumberedBatch[] {
    const [first] = this.#batches
    if (first === undefined || first.seq > after + 1 || through <= after) return []
    const taken = this.#batches.filter(({ seq }) => seq > after && seq <= through)
    this.#batches = this.#batches.filter(({ seq }) => seq > through)
    this.#length = this.#batches.reduce((sum, { text }) => sum + text.length, 0)
    return taken
  }

  #clear(): void {
    this.#batches = []
    this.#length = 0
  }
}
