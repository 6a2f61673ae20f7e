import type { ConsumeOptions, Subscription } from "../engine.ts"

/** The options of an adapter's consumer. */
export interface AdapterConsumeOptions extends Pick<ConsumeOptions, "onDelivery" | "onReturned"> {
  /** Most deliveries at a time whose settling has not begun. */
  readonly prefetch: number
  /** By how much `setPrefetch` may raise the prefetch. Default: 0. */
  readonly lookAhead?: number
}

/** The consumer of an adapter, which delivers in order of arrival and knows no keys. */
export interface AdapterSubscription extends Pick<Subscription, "isConsuming" | "cancel"> {
  /**
   * Changes the prefetch for future deliveries. Returns false if the adapter can't change it for this consumer: cancel
   * it then; the queue's next consumer, in any process, has the whole look-ahead from its start.
   */
  setPrefetch(prefetch: number): boolean
  /**
   * Makes events that return after a cancel keep their order, also those that are still on their way. Called with each
   * event whose order matters.
   */
  keepOrder(): void
}

/** Starts a consumer of one queue. */
export type AdapterConsume = (options: AdapterConsumeOptions) => AdapterSubscription
