import type { Destination } from "../wire/broker-fault.ts"

/**
 * How long publishes to a refused destination are refused without being sent, in milliseconds. Each one that
 * is sent costs the channel, and a round trip for everything in flight on it.
 */
const REFUSED_FOR_MS = 5_000

/** Most refused destinations remembered, because clients choose the topics. */
const MAX_REMEMBERED = 1_000

interface Refusal extends Destination {
  readonly reason: string
  readonly at: number
}

/**
 * Destinations to which RabbitMQ lets this service publish nothing. Permissions change, so they are retried
 * periodically.
 */
export class RefusedDestinations {
  readonly #refusals = new Map<string, Refusal>()

  get isEmpty(): boolean {
    return this.#refusals.size === 0
  }

  /** Records a refusal with RabbitMQ's reply text. */
  add(destination: Destination, reason: string): void {
    const key = keyOf(destination)
    this.#refusals.delete(key)
    this.#refusals.set(key, { ...destination, reason, at: performance.now() })
    const [oldest] = this.#refusals.keys()
    if (this.#refusals.size > MAX_REMEMBERED && oldest !== undefined) this.#refusals.delete(oldest)
  }

  /** Returns why a publish is refused without being sent; null if it should be tried. */
  reasonFor(exchange: string, routingKey: string): string | null {
    const refusal =
      this.#refusals.get(keyOf({ exchange, routingKey: null })) ??
      this.#refusals.get(keyOf({ exchange, routingKey }))
    return refusal !== undefined && performance.now() - refusal.at < REFUSED_FOR_MS ? refusal.reason : null
  }

  /** Records that RabbitMQ accepted a publish to this destination. Returns the refusals that have ended. */
  accepted(exchange: string, routingKey: string): readonly Destination[] {
    const possible = [
      { exchange, routingKey: null },
      { exchange, routingKey },
    ]
    return possible.filter((destination) => this.#refusals.delete(keyOf(destination)))
  }
}

const keyOf = ({ exchange, routingKey }: Destination): string => `${exchange}\n${routingKey ?? ""}`
