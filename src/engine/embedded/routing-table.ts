import { compileTopic, type TopicMatcher } from "../../event/topic.ts"

/** Routing keys whose queues are remembered. Keys that carry an id would otherwise grow it without end. */
const MAX_REMEMBERED_KEYS = 1_000

/** Finds the queues that an event goes to. */
export class RoutingTable<Queue> {
  readonly #bindings = new Map<Queue, readonly TopicMatcher[]>()
  readonly #remembered = new Map<string, readonly Queue[]>()

  /** Binds a queue by these patterns, in place of those it had. */
  bind(queue: Queue, patterns: readonly string[]): void {
    this.#bindings.set(queue, patterns.map(compileTopic))
    this.#remembered.clear()
  }

  /** The queues bound for the key, each once, in the order in which they were first bound. */
  route(routingKey: string): readonly Queue[] {
    const known = this.#remembered.get(routingKey)
    if (known !== undefined) return known
    const queues: Queue[] = []
    for (const [queue, matchers] of this.#bindings) {
      if (matchers.some((matches) => matches(routingKey))) queues.push(queue)
    }
    if (this.#remembered.size >= MAX_REMEMBERED_KEYS) this.#remembered.clear()
    this.#remembered.set(routingKey, queues)
    return queues
  }
}
