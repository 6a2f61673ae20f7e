import type { BatchOptions } from "../handlers/manifest.ts"
import type { Attempt, Executor, Outcome } from "../workers/attempt.ts"
import { Batcher } from "./batcher.ts"

/** Runs attempts one by one, or in batches if the module takes batches. */
export class AttemptRunner {
  readonly #executor: Executor
  readonly #batchers = new Map<string, Batcher>()

  constructor(executor: Executor) {
    this.#executor = executor
  }

  /** Never rejects. */
  run(attempt: Attempt): Promise<Outcome> {
    const { batch } = attempt.target.manifest
    return batch === null ? this.#executor.run(attempt) : this.#batcherOf(attempt, batch).add(attempt)
  }

  /** Gives back the attempts that wait for a batch to fill, and all that come. */
  stop(): void {
    for (const batcher of this.#batchers.values()) batcher.stop({ kind: "returned" })
  }

  /** Ends the attempts that wait for a batch to fill as `superseded`: another module set is in use. */
  supersede(): void {
    for (const batcher of this.#batchers.values()) batcher.stop({ kind: "superseded" })
    this.#batchers.clear()
  }

  #batcherOf({ target, queue }: Attempt, options: BatchOptions): Batcher {
    const key = `${queue} ${target.handler}`
    let batcher = this.#batchers.get(key)
    if (batcher === undefined) {
      batcher = new Batcher(this.#executor, options)
      this.#batchers.set(key, batcher)
    }
    return batcher
  }
}
