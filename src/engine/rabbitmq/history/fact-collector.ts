import type { AttemptFact, PublishedLine } from "../../../event/history-fact.ts"
import { nextTurn } from "../../../system/next-turn.ts"
import { Batch, type WriterId } from "./batch.ts"
import { BatchTiming, type BatchTimingOptions } from "./batch-timing.ts"
import { lengthOf } from "./encoded-lines.ts"
import type { FactJournal } from "./fact-journal.ts"

export interface FactCollectorOptions extends Pick<BatchTimingOptions, "publishesInFlight"> {
  readonly writer: WriterId
  /** Returns the time for new batches, in ticks of the writer. */
  readonly ticks: () => number
  /** Sends the events that were published so far in this turn, which are on another connection. */
  readonly sendEvents: () => void
  /** Null if there is none. */
  readonly journal: FactJournal | null
  /** Takes a batch to which nothing more is added. */
  readonly onFull: (batch: Batch) => void
}

/** A publish whose fact is added. */
export interface RecordedPublish {
  /** Call it once the event is stored. Resolves once the fact outlives this process, or that takes too long; null if it does. */
  readonly kept: () => Promise<unknown> | null
}

/** A publish whose fact is kept by RabbitMQ alone. */
export const waitingFor = (stored: Promise<unknown>): RecordedPublish => ({ kept: () => stored })

/** Brings facts together in batches. */
export class FactCollector {
  readonly #options: FactCollectorOptions
  readonly #timing: BatchTiming
  /** The batch that is filled. */
  #current: Batch | null = null
  /** Length of the batch before it, in bytes. */
  #lastSize = 0
  /** Batches with lines for the journal. */
  readonly #forJournal = new Set<Batch>()
  /** Resolves when those outlive this process; null if there are none. */
  #kept: Promise<unknown> | null = null

  constructor(options: FactCollectorOptions) {
    this.#options = options
    const { publishesInFlight } = options
    this.#timing = new BatchTiming({ publishesInFlight, send: (batch) => this.#complete(batch) })
  }

  /** Takes the publishes that processes answered which ended before. Perhaps they had stored some of their facts. */
  takeLeft(): readonly Batch[] {
    const { journal, writer, ticks } = this.#options
    return (journal?.takeLeft() ?? []).map(({ token, lines }) => {
      const batch = new Batch("facts", writer, ticks(), { token })
      for (const line of lines) batch.add(line)
      batch.onForgotten = () => journal?.forget(token)
      batch.abandon()
      return batch
    })
  }

  /** Adds a fact, the line of one or a run. Resolves with true once it is stored, and with false once that takes too long. */
  add(fact: string | PublishedLine | AttemptFact): Promise<boolean> {
    const isRun = typeof fact !== "string" && "fact" in fact
    const batch = this.#batchFor(isRun ? 0 : lengthOf(fact))
    batch.isUrgent = true
    if (isRun) batch.addRun(fact)
    else batch.add(fact)
    this.#timing.added(batch)
    return batch.waited.promise
  }

  /** Adds the fact of a publish, for the journal if there is one. */
  addKept(line: PublishedLine): RecordedPublish {
    if (this.#options.journal === null) return waitingFor(this.add(line))
    const batch = this.#batchFor(lengthOf(line))
    batch.add(line)
    this.#timing.added(batch)
    const { lineCount } = batch
    return { kept: () => this.#keptTo(batch, lineCount) }
  }

  /** Completes the batch that is filled. */
  flush(): void {
    if (this.#current !== null) this.#complete(this.#current)
  }

  /** Gives up what was added last. */
  abandon(): void {
    this.#current?.abandon()
    this.#current?.forget()
    this.#current = null
  }

  #batchFor(length: number): Batch {
    if (this.#current?.fits(length) === false) this.#complete(this.#current)
    if (this.#current === null) {
      const { writer, ticks } = this.#options
      this.#current = new Batch("facts", writer, ticks(), { size: this.#lastSize })
      this.#timing.began(this.#current)
    }
    return this.#current
  }

  #complete(batch: Batch): void {
    if (batch !== this.#current) return
    this.#current = null
    this.#lastSize = batch.bytes.length
    this.#options.onFull(batch)
  }

  /** Writes what the journal lacks of a batch once a turn, for all publishes whose events are confirmed in it. */
  #keptTo(batch: Batch, lineCount: number): Promise<unknown> | null {
    if (batch.isStored || batch.keptLines >= lineCount) return null
    // Nobody would take it out of the journal again.
    if (batch.isForgotten || batch.hasUnkeptLines) return batch.waited.promise
    this.#forJournal.add(batch)
    this.#kept ??= nextTurn().then(() => this.#keep())
    return this.#kept
  }

  async #keep(): Promise<void> {
    this.#kept = null
    const added = [...this.#forJournal]
    this.#forJournal.clear()
    // Otherwise a process that is killed in between would leave the fact of an event that does not exist.
    this.#options.sendEvents()
    await Promise.all(added.map((batch) => this.#keepNew(batch)))
  }

  #keepNew(batch: Batch): Promise<unknown> | null {
    const { journal } = this.#options
    if (batch.isForgotten) return batch.waited.promise
    if (journal?.add(batch.token, batch.takeNew())) {
      batch.keptLines = batch.lineCount
      batch.onForgotten = () => journal.forget(batch.token)
      return null
    }
    batch.hasUnkeptLines = true
    batch.isUrgent = true
    this.#timing.added(batch)
    return batch.waited.promise
  }
}
