import type { Destination } from "./wire/broker-fault.ts"

/**
 * How long publishes to a refused destination are refused here, in milliseconds. Each one that is sent costs the
 * channel, and everybody in flight on it a round trip.
 */
const REFUSED_FOR_MS = 5_000

/** The most that are remembered: topics are the clients' choice. */
const MAX_REMEMBERED = 1_000

interface Refusal extends Destination {
  readonly reason: string
  readonly at: number
}

/** Where RabbitMQ lets this service publish nothing. Permissions change, so it is tried again now and then. */
export class RefusedDestinations {
  readonly #refusals = new Map<string, Refusal>()

  get isEmpty(): boolean {
    return this.#refusals.size === 0
  }

  /** Remembers a refusal, with RabbitMQ's words. */
  add(destination: Destination, reason: string): void {
    const key = keyOf(destination)
    this.#refusals.delete(key)
    this.#refusals.set(key, { ...destination, reason, at: performance.now() })
    const [oldest] = this.#refusals.keys()
    if (this.#refusals.size > MAX_REMEMBERED && oldest !== undefined) this.#refusals.delete(oldest)
  }

  /** Why a publish there is refused without being sent; null if it is to be tried. */
  reasonFor(exchange: string, routingKey: string): string | null {
    const refusal =
      this.#refusals.get(keyOf({ exchange, routingKey: null })) ??
      this.#refusals.get(keyOf({ exchange, routingKey }))
    return refusal !== undefined && performance.now() - refusal.at < REFUSED_FOR_MS ? refusal.reason : null
  }

  /** RabbitMQ took a publish there. Returns what was refused before. */
  accepted(exchange: string, routingKey: string): readonly Destination[] {
    const possible = [
      { exchange, routingKey: null },
      { exchange, routingKey },
    ]
    return possible.filter((destination) => this.#refusals.delete(keyOf(destination)))
  }
}

const keyOf = ({ exchange, routingKey }: Destination): string => `${exchange}\n${routingKey ?? ""}`
