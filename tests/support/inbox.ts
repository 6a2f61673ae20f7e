import type { Delivery, Engine, Subscription } from "../../src/engine/engine.ts"
import { decodeEvent } from "../../src/event/validate.ts"
import { waitUntil } from "./wait-until.ts"

/** A consumer that keeps its deliveries and settles none by itself. */
export class Inbox {
  readonly deliveries: Delivery[] = []
  readonly subscription: Subscription
  readonly #queue: string
  #read = 0

  constructor(engine: Engine, queue: string, prefetch = 1_000) {
    this.#queue = queue
    this.subscription = engine.consume(queue, {
      prefetch,
      onDelivery: (delivery) => this.deliveries.push(delivery),
    })
  }

  /** Waits for the next delivery that was not returned yet. */
  async next(): Promise<Delivery> {
    await waitUntil(() => this.deliveries.length > this.#read, `delivery ${this.#read + 1} of ${this.#queue}`)
    const delivery = this.deliveries[this.#read]
    if (delivery === undefined) throw new Error("unreachable: the delivery was just seen")
    this.#read++
    return delivery
  }

  async take(count: number): Promise<readonly Delivery[]> {
    const taken: Delivery[] = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }

  /** Deliveries that were not returned yet. */
  get unread(): readonly Delivery[] {
    return this.deliveries.slice(this.#read)
  }
}

/** Returns the names of delivered events, in order. */
export function namesOf(messages: readonly { readonly body: string }[]): readonly string[] {
  return messages.map(({ body }) => decodeEvent(body).name)
}
