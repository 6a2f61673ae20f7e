/** Factor that puts one hash of 32 bits above 21 bits of another one: together the integers that a number can hold. */
const HIGH = 2 ** 21

const LOW_MASK = HIGH - 1

/** Makes a number of 53 bits of a text. Different texts rarely have the same. */
const numberOf = (hash: string): number =>
  Bun.hash.murmur32v3(hash) * HIGH + (Bun.hash.cityHash32(hash) & LOW_MASK)

/** Finds rows by their hash. Keeps numbers in place of the texts, which would take a multiple of the memory. */
export class ReceiptIndex {
  readonly #rows = new Map<number, number>()
  /** Rows whose number belongs to another hash. */
  readonly #others = new Map<string, number>()

  readonly #numberOf: (hash: string) => number

  /** @param toNumber makes a number of a hash. Default: one of 53 bits. For tests */
  constructor(toNumber: (hash: string) => number = numberOf) {
    this.#numberOf = toNumber
  }

  get isEmpty(): boolean {
    return this.#rows.size + this.#others.size === 0
  }

  /** Returns the last row of a hash; or that of another hash, so compare it; undefined if there is none. */
  find(hash: string): number | undefined {
    return this.#others.get(hash) ?? this.#rows.get(this.#numberOf(hash))
  }

  /** @param hasHash returns whether another row has the same hash, so that this one replaces it */
  add(hash: string, row: number, hasHash: (row: number) => boolean): void {
    const number = this.#numberOf(hash)
    const other = this.#rows.get(number)
    if (other !== undefined && !hasHash(other)) {
      this.#others.set(hash, row)
      return
    }
    this.#rows.set(number, row)
    this.#others.delete(hash)
  }

  /** Does nothing if a later row has the hash. */
  delete(hash: string, row: number): void {
    const number = this.#numberOf(hash)
    if (this.#rows.get(number) === row) this.#rows.delete(number)
    if (this.#others.get(hash) === row) this.#others.delete(hash)
  }
}
