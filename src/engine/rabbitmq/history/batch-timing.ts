import { nextTurn } from "../../../system/next-turn.ts"
import type { Batch } from "./batch.ts"

/** The part of the publishes in flight whose facts a batch waits for. The others' facts fill the next one meanwhile. */
const PART = 1 / 2

/** Longest wait of a batch after its turn, in milliseconds: shorter than RabbitMQ needs to confirm events while many are in flight. */
const MAX_WAIT_MS = 2

/** The same if nobody waits for the batch. */
const MAX_CALM_WAIT_MS = 50

export interface BatchTimingOptions {
  /** Returns how many events wait for their confirm. */
  readonly publishesInFlight: () => number
  /** Sends the batch, unless it was sent. */
  readonly send: (batch: Batch) => void
}

/**
 * Decides when a batch is sent: at the end of its turn of the event loop, or a little later if it has few facts beside the
 * events in flight, or if nobody waits for it. A message of a stream costs RabbitMQ nearly the same with one fact and with a
 * hundred.
 */
export class BatchTiming {
  readonly #options: BatchTimingOptions
  /** The batch that waits for more facts, and whether somebody waited for it when it began to. */
  #held: { readonly batch: Batch; readonly isUrgent: boolean } | null = null

  constructor(options: BatchTimingOptions) {
    this.#options = options
  }

  began(batch: Batch): void {
    void nextTurn().then(() => this.#turnEnded(batch))
  }

  added(batch: Batch): void {
    if (this.#held?.batch !== batch) return
    if (this.#isDue(batch)) {
      this.#held = null
      void nextTurn().then(() => this.#options.send(batch))
    } else if (batch.isUrgent && !this.#held.isUrgent) this.#hold(batch)
  }

  #turnEnded(batch: Batch): void {
    if (this.#isDue(batch)) this.#options.send(batch)
    else this.#hold(batch)
  }

  #hold(batch: Batch): void {
    const { isUrgent } = batch
    this.#held = { batch, isUrgent }
    setTimeout(() => this.#options.send(batch), isUrgent ? MAX_WAIT_MS : MAX_CALM_WAIT_MS)
  }

  #isDue({ facts, isUrgent }: Batch): boolean {
    return isUrgent && facts >= this.#options.publishesInFlight() * PART
  }
}
