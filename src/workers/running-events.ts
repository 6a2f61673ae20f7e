import type { Attempt } from "./attempt.ts"

/** The events that workers have, by queue. An event of a batch counts until it is settled. */
export class RunningEvents {
  /** When a worker got each attempt, in milliseconds since the epoch. */
  readonly #byQueue = new Map<string, Map<Attempt, number>>()

  /** Returns how many events of a queue workers have now. An event whose delivery is lost is in the queue again instead. */
  of(queue: string): number {
    let count = 0
    for (const [attempt] of this.#attemptsOf(queue)) if (!attempt.isLost()) count++
    return count
  }

  /** Returns since when a worker has an event of a queue, in milliseconds since the epoch; null if none has it. */
  since(queue: string, id: string): number | null {
    for (const [attempt, since] of this.#attemptsOf(queue)) if (attempt.eventId === id) return since
    return null
  }

  /** Call it when a worker gets events of a queue. */
  begin(queue: string, attempts: Iterable<Attempt>): void {
    const known = this.#byQueue.get(queue)
    const running = known ?? new Map<Attempt, number>()
    if (known === undefined) this.#byQueue.set(queue, running)
    const since = Date.now()
    for (const attempt of attempts) running.set(attempt, since)
  }

  /** Call it when it has them no more: they are done, or go to another worker. */
  end(queue: string, attempts: Iterable<Attempt>): void {
    const running = this.#byQueue.get(queue)
    for (const attempt of attempts) running?.delete(attempt)
  }

  #attemptsOf(queue: string): Iterable<readonly [Attempt, number]> {
    return this.#byQueue.get(queue) ?? []
  }
}
