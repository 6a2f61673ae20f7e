import type { JobResult } from "../workers/job-request.ts"
import type { Pool } from "../workers/pool.ts"
import type { Attempt } from "./attempt.ts"
import { Batcher } from "./batcher.ts"

/** Runs attempts in the pool: one by one, or in batches if the module takes batches. */
export class AttemptRunner {
  readonly #pool: Pool
  readonly #batchers = new Map<string, Batcher>()

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Never rejects. */
  run(attempt: Attempt): Promise<JobResult> {
    const { choice, queue, eventId, body, priority, lastFailure, trace, isLost } = attempt
    if (choice.manifest.batch !== null) return this.#batcherOf(attempt).add(attempt)
    return this.#pool.run({
      ...choice,
      queue,
      priority,
      isAlone: lastFailure?.reason === "worker-crashed",
      eventId,
      body,
      attempt: attempt.attempt,
      lastError: lastFailure?.error ?? null,
      trace,
      isLost,
    })
  }

  /** Gives back the attempts that wait for a batch to fill. */
  stop(): void {
    for (const batcher of this.#batchers.values()) batcher.stop()
  }

  #batcherOf({ choice, queue }: Attempt): Batcher {
    const key = `${queue} ${choice.handler}`
    let batcher = this.#batchers.get(key)
    if (batcher === undefined) {
      batcher = new Batcher(this.#pool, queue, choice)
      this.#batchers.set(key, batcher)
    }
    return batcher
  }
}
