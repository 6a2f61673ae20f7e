import type { Report } from "../../report.ts"
import type { Troubles } from "../topology/troubles.ts"
import { HISTORY_STREAM } from "./history-stream.ts"
import type { LostFacts } from "./unread-facts.ts"

export interface HistoryReportsOptions {
  /** Shows that facts wait in the log and in the engine's status. */
  readonly troubles: Pick<Troubles, "began" | "ended" | "mended">
  readonly report: Report
}

const CONSEQUENCE = "events go on, and the history gets their facts later"
const OTHER_LIMITS =
  "has other limits than this service asks for, and is used as it is: to change them, delete it, and the history in it"

const REPEATED = "the history's stream was deleted: facts that were not read from it are stored again"
const LOST = "the history's stream was deleted: facts that were not read from it are lost"

/** Says once how the stream is, and again when that changes. */
export class HistoryReports {
  readonly #options: HistoryReportsOptions
  #refusal: string | null = null
  #otherArguments: string | null = null

  constructor(options: HistoryReportsOptions) {
    this.#options = options
  }

  /** Why there is no history; null if there is one. */
  get refusal(): string | null {
    return this.#refusal
  }

  /** There is no history until somebody changes something. That is not a fault of the engine. */
  refused(reason: string): void {
    const isNew = this.#refusal === null
    this.#refusal = reason
    this.recovered()
    if (!isNew) return
    const fields = { stream: HISTORY_STREAM, reason }
    this.#options.report("warn", "the history is off: its stream can't be used", fields)
  }

  /**
   * The stream can be used.
   * @param hadVanished it was missing, and has been declared again
   * @param otherArguments RabbitMQ's words, if it has other arguments than it would be declared with
   */
  opened(hadVanished: boolean, otherArguments: string | null): void {
    const { report, troubles } = this.#options
    if (hadVanished) troubles.mended(HISTORY_STREAM)
    if (this.#refusal !== null) report("info", "the history is on again", { stream: HISTORY_STREAM })
    this.#refusal = null
    if (otherArguments === null || otherArguments === this.#otherArguments) return
    this.#otherArguments = otherArguments
    const fields = { stream: HISTORY_STREAM, reason: otherArguments }
    report("warn", `${HISTORY_STREAM} ${OTHER_LIMITS}`, fields)
  }

  /** Somebody deleted the stream, and with it facts that were not read. */
  lost({ batches, dropped }: LostFacts): void {
    const { report } = this.#options
    const facts = batches.reduce((sum, each) => sum + each.facts, 0)
    const fields = { stream: HISTORY_STREAM }
    if (facts > 0) report("info", REPEATED, { ...fields, facts })
    if (dropped > 0) report("warn", LOST, { ...fields, facts: dropped })
  }

  /** Facts are not stored now. */
  failing(reason: string): void {
    this.#options.troubles.began(HISTORY_STREAM, reason, CONSEQUENCE)
  }

  /** Facts are stored again. */
  recovered(): void {
    this.#options.troubles.ended(HISTORY_STREAM)
  }
}
