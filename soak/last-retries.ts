import { tierOf } from "../src/engine/rabbitmq/topology/delay-tier.ts"
import type { RunningService } from "../tests/support/running-service.ts"

/** The last retry of an event. */
export interface Retry {
  /** When it was decided, in milliseconds since the epoch. */
  readonly at: number
  /** The delay of its tier, in milliseconds. */
  readonly tierMs: number
}

/** The last retry of each event, from the logs of all processes of the service. */
export class LastRetries {
  readonly #retries = new Map<string, Retry>()

  /** Call it once for each process, after its end. */
  collect(service: RunningService): void {
    for (const { msg, time, event_id: id, retry_in_ms: delayMs } of service.log) {
      if (msg !== "attempt failed; it will be retried") continue
      this.#retries.set(String(id), { at: Date.parse(String(time)), tierMs: tierOf(Number(delayMs)) })
    }
  }

  of(id: string): Retry | undefined {
    return this.#retries.get(id)
  }
}
