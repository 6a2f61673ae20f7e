/** A queue in order of priority, the highest first, and then of arrival. */
export class PriorityQueue<Item> {
  /** Items by priority. There are few priorities, so a `Map` of arrays is enough. */
  readonly #byPriority = new Map<number, Item[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: Item, priority: number): void {
    this.#of(priority).push(item)
    this.#size++
  }

  /** Puts back an item that was taken, before all others of its priority. */
  putBack(item: Item, priority: number): void {
    this.#of(priority).unshift(item)
    this.#size++
  }

  shift(): Item | undefined {
    let highest: number | undefined
    for (const [priority, items] of this.#byPriority) {
      if (items.length > 0 && (highest === undefined || priority > highest)) highest = priority
    }
    if (highest === undefined) return undefined
    this.#size--
    return this.#byPriority.get(highest)?.shift()
  }

  #of(priority: number): Item[] {
    let items = this.#byPriority.get(priority)
    if (items === undefined) {
      items = []
      this.#byPriority.set(priority, items)
    }
    return items
  }
}
