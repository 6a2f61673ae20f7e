import type { AttemptFact, HandledFact, HandledRun } from "../event/history-fact.ts"

/** Most runs of one fact: a line of RabbitMQ's stream stays far below any bound of a message. */
const MAX_RUNS = 256

interface Group extends Pick<HandledFact, "queue" | "module" | "handler" | "generation"> {
  readonly runs: HandledRun[]
}

/** Runs of one turn that were handled, brought together by function. Most attempts are such runs. */
export class HandledRuns {
  #groups: Group[] = []

  get isEmpty(): boolean {
    return this.#groups.length === 0
  }

  /** Adds a run. Returns false if its fact says more than that it was handled. */
  add(fact: AttemptFact): boolean {
    const { outcome, reason, error, next_at, replay, log, event } = fact
    if (outcome !== "handled" || (reason ?? error ?? next_at ?? replay ?? log ?? event) !== undefined)
      return false
    const { id, at, published_at = null, attempt, duration_ms } = fact
    this.#groupOf(fact).runs.push([id, at, published_at, attempt, duration_ms])
    return true
  }

  /** Removes all runs. Returns their facts: one for each function, or several if there are many runs. */
  take(): readonly HandledFact[] {
    const facts = this.#groups.map(
      ({ queue, module, handler, generation, runs }): HandledFact => ({
        fact: "handled",
        at: runs[0]?.[1] ?? 0,
        queue,
        module,
        handler,
        generation,
        runs,
      }),
    )
    this.#groups = []
    return facts
  }

  #groupOf({ queue, module, handler, generation }: AttemptFact): Group {
    for (const group of this.#groups) {
      const isSame =
        group.runs.length < MAX_RUNS &&
        group.queue === queue &&
        group.handler === handler &&
        group.module === module &&
        group.generation === generation
      if (isSame) return group
    }
    const group = { queue, module, handler, generation, runs: [] }
    this.#groups.push(group)
    return group
  }
}
