import type { UnsettledCount } from "../queues/queue-looks.ts"
import type { Settlements } from "./settlements.ts"

/** Counts the unsettled deliveries of each queue on all channels, also on those of consumers that have ended. */
export class UnsettledDeliveries {
  readonly #channels = new Map<string, readonly Settlements[]>()

  /** Counts the deliveries of a channel, too, until it is closed: RabbitMQ then has them in the queue again. */
  add(queue: string, settlements: Settlements): void {
    this.#channels.set(queue, [...this.#open(queue), settlements])
  }

  of(queue: string): UnsettledCount {
    const open = this.#open(queue)
    return {
      unsettled: open.reduce((sum, { unsettledCount }) => sum + unsettledCount, 0),
      settling: open.reduce((sum, { settlingCount }) => sum + settlingCount, 0),
    }
  }

  #open(queue: string): readonly Settlements[] {
    return (this.#channels.get(queue) ?? []).filter(({ isLost }) => !isLost)
  }
}
