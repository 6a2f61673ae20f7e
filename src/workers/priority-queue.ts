import { OwnMap } from "../system/intrinsics.ts"

/** An item, and the one behind it. */
interface Link<Item> {
  readonly item: Item
  next: Link<Item> | null
}

/** The items of one priority. */
interface Row<Item> {
  readonly priority: number
  first: Link<Item> | null
  last: Link<Item> | null
}

/**
 * A queue in order of priority, the highest first, and then of arrival. It uses no method of `Array`, because a handler
 * module can replace those in its worker.
 */
export class PriorityQueue<Item> {
  /** There are few priorities, so that all are looked at. */
  readonly #rows = new OwnMap<number, Row<Item>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: Item, priority: number): void {
    const row = this.#rowOf(priority)
    const link = { item, next: null }
    if (row.last === null) row.first = link
    else row.last.next = link
    row.last = link
    this.#size++
  }

  /** Puts back an item that was taken, before all others of its priority. */
  putBack(item: Item, priority: number): void {
    const row = this.#rowOf(priority)
    row.first = { item, next: row.first }
    row.last ??= row.first
    this.#size++
  }

  /** The item that `shift` would take. */
  get first(): Item | undefined {
    return this.#highest()?.first?.item
  }

  shift(): Item | undefined {
    return this.#shiftFrom(this.#highest())
  }

  /** Returns the row of the highest priority that has an item. */
  #highest(): Row<Item> | null {
    let highest: Row<Item> | null = null
    this.#rows.forEach((row) => {
      if (row.first !== null && (highest === null || row.priority > highest.priority)) highest = row
    })
    return highest
  }

  #shiftFrom(row: Row<Item> | null): Item | undefined {
    const link = row?.first
    if (row === null || !link) return undefined
    row.first = link.next
    if (row.first === null) row.last = null
    this.#size--
    return link.item
  }

  #rowOf(priority: number): Row<Item> {
    let row = this.#rows.get(priority)
    if (row === undefined) {
      row = { priority, first: null, last: null }
      this.#rows.set(priority, row)
    }
    return row
  }
}
