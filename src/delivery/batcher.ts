import { LOOP_SUSPECTED } from "../event/failure.ts"
import type { BatchOptions } from "../handlers/manifest.ts"
import type { Attempt, Executor, Outcome } from "../workers/attempt.ts"

interface Waiting {
  readonly attempt: Attempt
  readonly finish: (result: Outcome) => void
}

/** Collects the events of one function until the batch is full or its first event has waited long enough. */
export class Batcher {
  readonly #executor: Executor
  readonly #options: BatchOptions
  #waiting: Waiting[] = []
  #timer: Timer | undefined
  /** Set when it takes no more. */
  #end: Outcome | null = null

  constructor(executor: Executor, options: BatchOptions) {
    this.#executor = executor
    this.#options = options
  }

  /** Never rejects. */
  add(attempt: Attempt): Promise<Outcome> {
    if (this.#end !== null) return Promise.resolve(this.#end)
    if (hasHarmedOthers(attempt)) return this.#runAlone(attempt)
    return new Promise((finish) => {
      this.#waiting.push({ attempt, finish })
      if (this.#waiting.length >= this.#options.size) this.#send()
      else if (this.#waiting.length === 1) this.#timer = setTimeout(() => this.#send(), this.#options.waitMs)
    })
  }

  /** Ends the attempts that wait, and those that come, without running them. */
  stop(end: Outcome): void {
    this.#end = end
    clearTimeout(this.#timer)
    for (const { finish } of this.#waiting.splice(0)) finish(end)
  }

  #send(): void {
    clearTimeout(this.#timer)
    const batch = this.#waiting
    this.#waiting = []
    const results = this.#executor.runBatch(
      batch.map(({ attempt }) => attempt),
      false,
    )
    for (const [index, { attempt, finish }] of batch.entries()) {
      void results[index]?.then((result) => {
        // Any of them may be the cause, so each is tried again alone, within the same attempt.
        if (batch.length > 1 && isOfAnyEvent(result.kind)) void this.#runAlone(attempt).then(finish)
        else finish(result)
      })
    }
  }

  async #runAlone(attempt: Attempt): Promise<Outcome> {
    const [result] = this.#executor.runBatch([attempt], true)
    return (await result) ?? { kind: "returned" }
  }
}

/** Returns true for an end that one event of a batch can cause, and that all would suffer from. */
const isOfAnyEvent = (reason: string): boolean => isHarm(reason) || reason === LOOP_SUSPECTED

/** Returns true for an end that affects all events of a batch. */
const isHarm = (reason: string): boolean => reason === "worker-crashed" || reason === "timeout"

const hasHarmedOthers = ({ lastFailure }: Attempt): boolean =>
  lastFailure !== null && isHarm(lastFailure.reason)
