/** Counts the events that workers have, by queue. A batch counts with all its events until it ends. */
export class RunningEvents {
  readonly #counts = new Map<string, number>()

  /** Returns how many events of a queue workers have now. */
  of(queue: string): number {
    return this.#counts.get(queue) ?? 0
  }

  /** Call it when a worker gets events. */
  begin(queue: string, events: number): void {
    this.#counts.set(queue, this.of(queue) + events)
  }

  /** Call it when it has them no more: they are done, or go to another worker. */
  end(queue: string, events: number): void {
    this.#counts.set(queue, this.of(queue) - events)
  }
}
