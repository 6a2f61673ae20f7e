import type { AMQPClient } from "@cloudamqp/amqp-client"
import { factLine, type HistoryFact, publishedLine } from "../../../event/history-fact.ts"
import { EngineUnavailableError } from "../../errors.ts"
import { encodeDetails } from "../../fact-details.ts"
import type { FactFollower, FactLog, FactProgress } from "../../fact-log.ts"
import type { PublishOptions } from "../../once.ts"
import { type RecordedPublish, waitingFor } from "./fact-collector.ts"
import { FactJournal } from "./fact-journal.ts"
import { FactReader, type FactReaderOptions } from "./fact-reader.ts"
import { FactWriter } from "./fact-writer.ts"
import type { FactWriterOptions } from "./fact-writer-options.ts"
import { declareHistory, HISTORY_LIMITS, type HistoryLimits } from "./history-stream.ts"
import { UnreadFacts } from "./unread-facts.ts"

export interface RabbitMqFactLogOptions
  extends Omit<FactWriterOptions, "declare" | "onOpened" | "unread" | "journal">,
    Pick<FactReaderOptions, "onFacts"> {
  /** How much of the history RabbitMQ keeps, from when its stream is declared first. Default: 24 hours, 1 GiB. */
  readonly history?: HistoryLimits
  /** Folder of the facts that RabbitMQ has not confirmed yet. Default: none, and a publish waits for the confirm of its fact. */
  readonly journalFolder?: string | undefined
}

/** Appends facts. Resolves once they are stored, or once that takes too long: events go on without the history. Never rejects. */
export type RecordFacts = (...facts: readonly HistoryFact[]) => Promise<unknown>

/** For an engine without a history. */
export const recordNothing: RecordFacts = async () => {}

/** The list of facts of all instances: a stream on RabbitMQ. Its positions are offsets. */
export class RabbitMqFactLog implements FactLog {
  /** A new history reads the whole stream. */
  readonly lacksPast = false
  readonly #writer: FactWriter
  readonly #reader: FactReader

  constructor(options: RabbitMqFactLogOptions) {
    const { history = HISTORY_LIMITS, mode, journalFolder, report } = options
    const unread = new UnreadFacts()
    this.#writer = new FactWriter({
      ...options,
      unread,
      journal: journalFolder === undefined ? null : FactJournal.open(journalFolder, report),
      declare: (client) => declareHistory(client, history, mode),
      onOpened: (client) => this.#reader.start(client),
    })
    this.#reader = new FactReader({
      ...options,
      unread,
      writer: this.#writer.id,
      onLost: (lost) => this.#writer.repeat(lost),
      mark: (tail) => this.#writer.mark(tail),
    })
  }

  async append(fact: HistoryFact): Promise<void> {
    if (await this.#writer.record(factLine(fact))) return
    throw new EngineUnavailableError(
      `RabbitMQ did not store a fact in time: ${this.#writer.failure ?? "it is kept, and stored later"}`,
    )
  }

  readonly record: RecordFacts = (...facts) => {
    const [first, ...more] = facts.map((fact) =>
      this.#writer.record(fact.fact === "attempt" ? fact : factLine(fact)),
    )
    return more.length === 0 ? Promise.resolve(first) : Promise.all([first, ...more])
  }

  /**
   * Records a publish, in this turn of the event loop.
   * @param body the event as JSON in UTF-8. It must not change any more
   */
  published(body: Uint8Array, queues: readonly string[], options: PublishOptions): RecordedPublish {
    const at = Date.now()
    const { once } = options
    const details = encodeDetails(options, once ? { marks: once.marks, until: at + once.windowMs } : null)
    const line = publishedLine({ at, queues }, body, details)
    // Other instances learn from the stream which publishes can be repeated, so those wait until it has them.
    return once ? waitingFor(this.#writer.record(line)) : this.#writer.recordKept(line)
  }

  /** The publish that was recorded last for this event was refused. */
  refused(id: string): void {
    void this.record({ fact: "refused", at: Date.now(), id })
  }

  /** It is not known whether the publish that was recorded last for this event is stored. */
  unconfirmed(id: string): void {
    void this.record({ fact: "unconfirmed", at: Date.now(), id })
  }

  follow(follower: FactFollower): () => void {
    return this.#reader.follow(follower)
  }

  delivered(): Promise<void> {
    return this.#reader.reach()
  }

  /** The stream keeps what the retention says, whoever has read it. */
  release(): void {}

  progress(): FactProgress {
    const { isCaughtUp, reachedAt } = this.#reader
    const { failure, waiting, dropped } = this.#writer
    return { isCaughtUp, reachedAt, failure, waiting, dropped }
  }

  /** Writes and reads on a new connection. */
  start(client: AMQPClient): void {
    this.#writer.start(client)
  }

  /** Waits up to two seconds for the last facts. */
  async stop(): Promise<void> {
    this.#reader.stop()
    await this.#writer.stop()
  }
}
