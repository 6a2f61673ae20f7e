import type { Delivery } from "../engine/engine.ts"

/** The most deliveries that are remembered: as many as wait for their ordering key, for some queues. */
const MAX_REMEMBERED = 10_000

/**
 * Remembers deliveries that ended without an attempt while this process lived on: given back, or lost with their
 * connection. RabbitMQ counts them like those that a crash cut short.
 */
export class UncountedDeliveries {
  readonly #byBody = new Map<string, number>()

  remember(delivery: Delivery): void {
    const key = keyOf(delivery)
    const count = this.of(delivery) + 1
    // At the end again: the first key is the one that was not seen for the longest time.
    this.#byBody.delete(key)
    this.#byBody.set(key, count)
    if (this.#byBody.size <= MAX_REMEMBERED) return
    for (const oldest of this.#byBody.keys()) {
      this.#byBody.delete(oldest)
      return
    }
  }

  /** How many of this event's deliveries do not count. */
  of(delivery: Delivery): number {
    return this.#byBody.size === 0 ? 0 : (this.#byBody.get(keyOf(delivery)) ?? 0)
  }
}

/** An event's id is part of its body. */
const keyOf = ({ queue, body }: Delivery): string => `${queue}\n${Bun.hash(body)}`
