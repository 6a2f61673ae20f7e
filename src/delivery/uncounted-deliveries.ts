import type { Delivery } from "../engine/engine.ts"
import { BoundedMap } from "../event/bounded-map.ts"

/** Most deliveries that are remembered: as many as wait for their ordering key, for some queues. */
const MAX_REMEMBERED = 10_000

/**
 * Remembers deliveries that ended without an attempt while this process kept running: they were given back, or lost
 * with their connection. RabbitMQ counts them like those that a crash cut short.
 */
export class UncountedDeliveries {
  readonly #byBody = new BoundedMap<number>(MAX_REMEMBERED)

  remember(delivery: Delivery): void {
    this.#byBody.set(keyOf(delivery), this.of(delivery) + 1)
  }

  /** Number of this event's deliveries that do not count. */
  of(delivery: Delivery): number {
    return this.#byBody.isEmpty ? 0 : (this.#byBody.get(keyOf(delivery)) ?? 0)
  }
}

/** Identifies a delivery's event, whose id is part of its body. */
const keyOf = ({ queue, body }: Delivery): string => `${queue}\n${Bun.hash(body)}`
