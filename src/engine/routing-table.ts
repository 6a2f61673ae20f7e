import { TopicTree } from "../event/topic-tree.ts"

/**
 * Most routing keys whose queues are cached. Keys that contain an id would otherwise grow the cache without
 * limit.
 */
const MAX_REMEMBERED_KEYS = 1_000

interface Binding {
  readonly patterns: readonly string[]
  /** Position among the queues, ordered by their first binding. */
  readonly place: number
}

/** Finds the queues of an event. */
export class RoutingTable<Queue> {
  readonly #bindings = new Map<Queue, Binding>()
  readonly #tree = new TopicTree<Queue>()
  readonly #remembered = new Map<string, readonly Queue[]>()
  #nextPlace = 0

  /** Binds a queue with these patterns, replacing its previous ones. */
  bind(queue: Queue, patterns: readonly string[]): void {
    const before = this.#bindings.get(queue)
    for (const pattern of before?.patterns ?? []) this.#tree.remove(pattern, queue)
    for (const pattern of patterns) this.#tree.add(pattern, queue)
    this.#bindings.set(queue, { patterns, place: before?.place ?? this.#nextPlace++ })
    this.#remembered.clear()
  }

  /** Removes a queue. Does nothing if it is unknown. */
  remove(queue: Queue): void {
    this.bind(queue, [])
    this.#bindings.delete(queue)
  }

  /** Returns the queues bound for the key, each once, in the order they were first bound. */
  route(routingKey: string): readonly Queue[] {
    const known = this.#remembered.get(routingKey)
    if (known !== undefined) return known
    const queues = this.#tree.match(routingKey).toSorted((a, b) => this.#placeOf(a) - this.#placeOf(b))
    if (this.#remembered.size >= MAX_REMEMBERED_KEYS) this.#remembered.clear()
    this.#remembered.set(routingKey, queues)
    return queues
  }

  #placeOf(queue: Queue): number {
    return this.#bindings.get(queue)?.place ?? 0
  }
}
