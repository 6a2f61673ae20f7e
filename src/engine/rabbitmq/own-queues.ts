import type { QueueDeclaration } from "../engine.ts"
import { RoutingTable } from "../routing-table.ts"

/** The queues that this instance declares, and which of them an event goes to. */
export class OwnQueues {
  readonly #queues = new Map<string, QueueDeclaration>()
  readonly #routes = new RoutingTable<string>()

  /** Takes in queues that are declared on the broker, in place of those with the same names. */
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

  /** From here on no event goes there. */
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
    return this.#routes.route(routingKey).flatMap((name) => this.#queues.get(name) ?? [])
  }

  /** Whether only one consumer at a time takes events of the queue. */
  isSingle(queue: string): boolean {
    return this.#queues.get(queue)?.isSingleActiveConsumer ?? false
  }
}
