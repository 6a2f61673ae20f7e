import type { QueueDeclaration } from "../../engine.ts"
import { RoutingTable } from "../../routing-table.ts"

/** The queues that this instance declares, and the routing of events to them. */
export class OwnQueues {
  readonly #queues = new Map<string, QueueDeclaration>()
  readonly #routes = new RoutingTable<string>()

  /** Adds queues that are declared on the broker, replacing those with the same names. */
  add(queues: readonly QueueDeclaration[]): void {
    for (const queue of queues) {
      this.#queues.set(queue.name, queue)
      this.#routes.bind(queue.name, queue.bindings)
    }
  }

  remove(queue: string): void {
    this.#queues.delete(queue)
    this.#routes.remove(queue)
  }

  /** Stops routing events to the queue. */
  unbind(queue: string): void {
    const declared = this.#queues.get(queue)
    if (declared !== undefined) this.add([{ ...declared, bindings: [] }])
  }

  has(queue: string): boolean {
    return this.#queues.has(queue)
  }

  get(queue: string): QueueDeclaration | undefined {
    return this.#queues.get(queue)
  }

  values(): readonly QueueDeclaration[] {
    return [...this.#queues.values()]
  }

  route(routingKey: string): readonly QueueDeclaration[] {
    return this.namesOf(routingKey).flatMap((name) => this.#queues.get(name) ?? [])
  }

  /** Returns the names of the queues that an event is routed to. */
  namesOf(routingKey: string): readonly string[] {
    return this.#routes.route(routingKey)
  }

  /** Returns whether only one consumer at a time receives events of the queue. */
  isSingle(queue: string): boolean {
    return this.#queues.get(queue)?.isSingleActiveConsumer ?? false
  }
}
