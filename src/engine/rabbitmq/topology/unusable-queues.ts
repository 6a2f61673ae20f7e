import { PublishError } from "../../errors.ts"
import type { Troubles } from "./troubles.ts"

const CONSEQUENCE = "its events wait, and no more are accepted"

/**
 * The queues that RabbitMQ lists and can't use, each with the reason: the replicas of a quorum queue are down, or a crash
 * destroyed them. RabbitMQ answers a declaration of such a queue, lets other requests wait for a minute, and then ends the
 * whole connection with INTERNAL_ERROR (541). Only a consumer's start tells it from others: seen on RabbitMQ 3.10 and 4.0.
 */
export class UnusableQueues {
  readonly #troubles: Troubles
  readonly #reasons = new Map<string, string>()

  constructor(troubles: Troubles) {
    this.#troubles = troubles
  }

  /** Notes, each time that it is seen, why a queue can't be consumed. */
  add(queue: string, reason: string): void {
    this.#reasons.set(queue, reason)
    this.#troubles.began(placeOf(queue), reason, CONSEQUENCE)
  }

  /** RabbitMQ can use the queue. */
  remove(queue: string): void {
    if (this.#reasons.delete(queue)) this.#troubles.ended(placeOf(queue))
  }

  /** Nothing consumes the queue any more, so nobody would notice that it can be used again. */
  forget(queue: string): void {
    if (this.#reasons.delete(queue)) this.#troubles.forget(placeOf(queue))
  }

  /** @throws {PublishError} if one of these queues can't be used: RabbitMQ would leave the outcome open. */
  check(queues: () => readonly string[]): void {
    if (this.#reasons.size === 0) return
    for (const queue of queues()) {
      const reason = this.#reasons.get(queue)
      if (reason === undefined) continue
      throw new PublishError(
        "engine-unavailable",
        `the queue ${queue} can't be used: ${reason}`,
        "not-stored",
      )
    }
  }

  /** Returns whether one of these queues can't be used. */
  hasAny(queues: readonly string[]): boolean {
    return this.#reasons.size > 0 && queues.some((queue) => this.#reasons.has(queue))
  }
}

const placeOf = (queue: string): string => `the queue ${queue}`
