/** What waits: the highest priority first, then what came first. */
export class PriorityQueue<Item> {
  /** By priority; a `Map` of arrays, since there are few priorities and the order within one is arrival. */
  readonly #byPriority = new Map<number, Item[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: Item, priority: number): void {
    this.#of(priority).push(item)
    this.#size++
  }

  /** Puts what was taken before back in front of its equals. */
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
