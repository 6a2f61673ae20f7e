import { TopicTree } from "../event/topic-tree.ts"

/** Routing keys whose queues are remembered. Keys that carry an id would otherwise grow it without end. */
const MAX_REMEMBERED_KEYS = 1_000

interface Binding {
  readonly patterns: readonly string[]
  /** The place among all queues, in the order in which they were first bound. */
  readonly place: number
}

/** Finds the queues that an event goes to. */
export class RoutingTable<Queue> {
  readonly #bindings = new Map<Queue, Binding>()
  readonly #tree = new TopicTree<Queue>()
  readonly #remembered = new Map<string, readonly Queue[]>()
  #nextPlace = 0

  /** Binds a queue by these patterns, in place of those it had. */
  bind(queue: Queue, patterns: readonly string[]): void {
    const before = this.#bindings.get(queue)
    for (const pattern of before?.patterns ?? []) this.#tree.remove(pattern, queue)
    for (const pattern of patterns) this.#tree.add(pattern, queue)
    this.#bindings.set(queue, { patterns, place: before?.place ?? this.#nextPlace++ })
    this.#remembered.clear()
  }

  /** Forgets a queue. Unknown queues are skipped. */
  remove(queue: Queue): void {
    this.bind(queue, [])
    this.#bindings.delete(queue)
  }

  /** The queues bound for the key, each once, in the order in which they were first bound. */
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
