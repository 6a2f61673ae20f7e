import type { ConsumeOptions, QueueDeclaration, Subscription } from "../engine.ts"

/** A queue as the running engine knows it. Its counts follow the store's, so that no publish has to count. */
export interface Queue {
  readonly id: number
  declaration: QueueDeclaration
  ready: number
  deadLetters: number
  readonly consumers: Set<Consumer>
  /** Set in the turn that deletes it: publishes that were routed before that skip it. */
  isDeleted: boolean
}

export interface Consumer extends Pick<ConsumeOptions, "onDelivery"> {
  prefetch: number
  /** Deliveries that were begun and not settled. */
  unsettled: number
}

/** Adds a consumer to a queue. `onCredit` is called whenever it can take more. */
export function subscribe(queue: Queue, options: ConsumeOptions, onCredit: () => void): Subscription {
  const consumer: Consumer = { ...options, unsettled: 0 }
  queue.consumers.add(consumer)
  onCredit()
  return {
    get isConsuming() {
      return queue.consumers.has(consumer)
    },
    cancel: async () => {
      queue.consumers.delete(consumer)
    },
    setPrefetch: (prefetch) => {
      consumer.prefetch = prefetch
      onCredit()
      return true
    },
  }
}
