import type { ConsumeOptions, QueueDeclaration } from "../engine.ts"

/** A queue as the running engine knows it. Its counts follow the store's, so that no publish has to count. */
export interface Queue {
  readonly id: number
  declaration: QueueDeclaration
  ready: number
  deadLetters: number
  readonly consumers: Set<Consumer>
}

export interface Consumer extends Pick<ConsumeOptions, "onDelivery"> {
  prefetch: number
  /** Deliveries that were begun and not settled. */
  unsettled: number
}
