import type { QueueDeclaration } from "../../engine.ts"
import type { AdapterConsumeOptions, AdapterSubscription } from "../../key-order/adapter-consumer.ts"

/** Events of a queue by state. Each event is in one of them. */
export interface EventCounts {
  ready: number
  /** Taken by a consumer. */
  unsettled: number
  /** Stored until the next attempt is due. */
  delayed: number
  deadLetters: number
}

/** A queue in memory. Its counts follow the store, so that publishes don't have to count. */
export interface Queue extends EventCounts {
  readonly id: number
  declaration: QueueDeclaration
  readonly consumers: Set<Consumer>
  /** Set in the turn that deletes the queue: publishes that were routed earlier skip it. */
  isDeleted: boolean
}

export interface Consumer extends Pick<AdapterConsumeOptions, "onDelivery"> {
  prefetch: number
  /** Deliveries that are not settled. */
  unsettled: number
}

/** Adds a consumer to a queue. Calls `onCredit` whenever it can take more deliveries. */
export function subscribe(
  queue: Queue,
  options: AdapterConsumeOptions,
  onCredit: () => void,
): AdapterSubscription {
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
    // A queue keeps its order anyway.
    keepOrder: () => {},
    setPrefetch: (prefetch) => {
      consumer.prefetch = prefetch
      onCredit()
      return true
    },
  }
}
