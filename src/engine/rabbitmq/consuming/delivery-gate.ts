import type { Delivery } from "../../engine.ts"

/**
 * Most deliveries beyond the prefetch that RabbitMQ sends while acks wait for facts: at most as many as the prefetch, because
 * no other instance can have them. With a prefetch below the least, they would be many beside those that run.
 */
const MAX_ROOM = 64
const LEAST_PREFETCH_WITH_ROOM = 10

/** Returns how many deliveries beyond the prefetch RabbitMQ sends while acks wait for facts. */
export const roomFor = (prefetch: number): number =>
  prefetch < LEAST_PREFETCH_WITH_ROOM ? 0 : Math.min(MAX_ROOM, prefetch)

export interface DeliveryGateOptions {
  /** Most deliveries that are passed on and not decided. Asked again for each. */
  readonly prefetch: () => number
  readonly onDelivery: (delivery: Delivery) => void
  /** Called with each delivery that was not passed on before the end. */
  readonly onReturned: (delivery: Delivery) => void
}

/**
 * Passes the deliveries of one consumer on, by priority and arrival, at most `prefetch` of them undecided at a time. RabbitMQ
 * sends more than that while a history is recorded, so that a delivery whose ack waits for its fact keeps nothing else
 * waiting. Events with an ordering key all have one priority, so they keep their order.
 */
export class DeliveryGate {
  readonly #options: DeliveryGateOptions
  readonly #waiting: Delivery[] = []
  /** Those that were passed on. */
  #undecided = 0
  #isPassing = false
  #isOver = false

  constructor(options: DeliveryGateOptions) {
    this.#options = options
  }

  arrived(delivery: Delivery): void {
    if (this.#isOver) {
      this.#options.onReturned(delivery)
      return
    }
    this.#waiting.push(delivery)
    this.#pass()
  }

  /** The outcome of a delivery is known, and will be stored. */
  decided(): void {
    this.#undecided--
    this.#pass()
  }

  /** Passes nothing on any more. */
  end(): void {
    this.#isOver = true
    for (const delivery of this.#waiting.splice(0)) this.#options.onReturned(delivery)
  }

  /** One that is decided at once makes room for the next. */
  #pass(): void {
    if (this.#isPassing || this.#isOver) return
    this.#isPassing = true
    while (this.#undecided < this.#options.prefetch()) {
      const next = this.#take()
      if (next === undefined) break
      this.#undecided++
      this.#options.onDelivery(next)
    }
    this.#isPassing = false
  }

  /** Removes the one with the highest priority, and of these the oldest. */
  #take(): Delivery | undefined {
    let first = 0
    let highest = this.#waiting[0]?.priority ?? 0
    for (const [index, { priority }] of this.#waiting.entries()) {
      if (priority <= highest) continue
      first = index
      highest = priority
    }
    return this.#waiting.splice(first, 1)[0]
  }
}
