import type { BatchOptions } from "../handlers/manifest.ts"
import type { JobResult } from "../workers/job-request.ts"
import type { Pool } from "../workers/pool.ts"
import type { Attempt } from "./attempt.ts"
import type { HandlerChoice } from "./handler-table.ts"

interface Waiting {
  readonly attempt: Attempt
  readonly finish: (result: JobResult) => void
}

/** Collects the events of one function until the batch is full or its first event has waited long enough. */
export class Batcher {
  readonly #pool: Pool
  readonly #queue: string
  readonly #choice: HandlerChoice
  readonly #options: BatchOptions
  #waiting: Waiting[] = []
  #timer: Timer | undefined
  #isStopped = false

  constructor(pool: Pool, queue: string, choice: HandlerChoice) {
    if (choice.manifest.batch === null) throw new Error(`${choice.manifest.file} takes no batches`)
    this.#pool = pool
    this.#queue = queue
    this.#choice = choice
    this.#options = choice.manifest.batch
  }

  /** Never rejects. */
  add(attempt: Attempt): Promise<JobResult> {
    if (this.#isStopped) return Promise.resolve({ kind: "returned" })
    if (hasHarmedOthers(attempt)) return this.#runAlone(attempt)
    return new Promise((finish) => {
      this.#waiting.push({ attempt, finish })
      if (this.#waiting.length >= this.#options.size) this.#send()
      else if (this.#waiting.length === 1) this.#timer = setTimeout(() => this.#send(), this.#options.waitMs)
    })
  }

  /** Gives back the attempts that wait. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    for (const { finish } of this.#waiting.splice(0)) finish({ kind: "returned" })
  }

  #send(): void {
    clearTimeout(this.#timer)
    const batch = this.#waiting
    this.#waiting = []
    const results = this.#run(
      batch.map(({ attempt }) => attempt),
      false,
    )
    for (const [index, { attempt, finish }] of batch.entries()) {
      void results[index]?.then((result) => {
        // Any of them may be the cause, so each is tried again alone, within the same attempt.
        if (batch.length > 1 && isHarm(result.kind)) void this.#runAlone(attempt).then(finish)
        else finish(result)
      })
    }
  }

  async #runAlone(attempt: Attempt): Promise<JobResult> {
    const [result] = this.#run([attempt], true)
    return (await result) ?? { kind: "returned" }
  }

  #run(attempts: readonly Attempt[], isAlone: boolean): readonly Promise<JobResult>[] {
    return this.#pool.runBatch({
      ...this.#choice,
      queue: this.#queue,
      priority: Math.max(...attempts.map(({ priority }) => priority)),
      isAlone,
      isLost: () => attempts.every(({ isLost }) => isLost()),
      events: attempts.map(({ eventId, body, attempt, lastFailure, trace }) => ({
        eventId,
        body,
        attempt,
        lastError: lastFailure?.error ?? null,
        trace,
      })),
    })
  }
}

/** Returns true for an end that affects all events of a batch. */
const isHarm = (reason: string): boolean => reason === "worker-crashed" || reason === "timeout"

const hasHarmedOthers = ({ lastFailure }: Attempt): boolean =>
  lastFailure !== null && isHarm(lastFailure.reason)
