import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { LoneTail, PlacedBatch } from "./lone-tail.ts"
import { compareEnd } from "./stream-end.ts"

/** Interval at which the end of the stream is compared with what this instance wrote, in milliseconds. */
const INTERVAL_MS = 500

/** Comparisons in a row without a newly stored batch, although some were sent, after which the stream is read again. */
const MAX_SILENT = 5

export interface LoneWritingOptions {
  readonly client: AMQPClient
  readonly tail: LoneTail
  /** Takes the next batch of the stream. Resolves when the next may come. */
  readonly take: (placed: PlacedBatch) => Promise<void>
  /** Called once when the stream has to be read again: others write, or this instance writes nothing any more. */
  readonly onEnd: (error: Error | null) => void
}

/**
 * Follows the stream without reading it, while this instance is its only writer. It has what it wrote in memory; twice a
 * second it looks at the end of the stream to see that nobody else wrote. Reading all of it costs RabbitMQ and this
 * process more than writing it does.
 */
export class LoneWriting {
  readonly #options: LoneWritingOptions
  readonly #timer: Timer
  #isBusy = false
  #isDue = false
  #isOver = false
  #silent = 0

  constructor(options: LoneWritingOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.compare(), INTERVAL_MS)
  }

  stop(): void {
    this.#isOver = true
    clearInterval(this.#timer)
    this.#options.tail.break()
  }

  /** Compares now, or again if that is under way. Never rejects. */
  async compare(): Promise<void> {
    this.#isDue = true
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      while (this.#isDue && !this.#isOver) {
        this.#isDue = false
        await this.#step()
      }
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#isBusy = false
    }
  }

  async #step(): Promise<void> {
    const { client, tail, take } = this.#options
    const { isBroken, storedTo } = tail
    if (storedTo === null) {
      this.#silent++
      if (isBroken || tail.isEmpty || this.#silent > MAX_SILENT) this.#end(null)
      return
    }
    this.#silent = 0
    const end = await compareEnd(client, tail, storedTo)
    if (this.#isOver) return
    if (end === null || !(await tail.isStoredTo(end))) {
      this.#end(null)
      return
    }
    for (const placed of tail.takeTo(end)) {
      if (this.#isOver) return
      await take(placed)
    }
  }

  #end(error: Error | null): void {
    if (this.#isOver) return
    this.stop()
    this.#options.onEnd(error)
  }
}
