import type { Attempt } from "./attempt.ts"

/** The events that workers have, by queue. A batch counts with all its events until it ends. */
export class RunningEvents {
  readonly #byQueue = new Map<string, Map<string, number>>()

  /** Returns how many events of a queue workers have now. */
  of(queue: string): number {
    return this.#byQueue.get(queue)?.size ?? 0
  }

  /** Returns since when a worker has an event of a queue, in milliseconds since the epoch; null if none has it. */
  since(queue: string, id: string): number | null {
    return this.#byQueue.get(queue)?.get(id) ?? null
  }

  /** Call it when a worker gets events of a queue. */
  begin(queue: string, attempts: readonly Attempt[]): void {
    const known = this.#byQueue.get(queue)
    const events = known ?? new Map<string, number>()
    if (known === undefined) this.#byQueue.set(queue, events)
    const now = Date.now()
    for (const { eventId } of attempts) events.set(eventId, now)
  }

  /** Call it when it has them no more: they are done, or go to another worker. */
  end(queue: string, attempts: readonly Attempt[]): void {
    const events = this.#byQueue.get(queue)
    for (const { eventId } of attempts) events?.delete(eventId)
  }
}
