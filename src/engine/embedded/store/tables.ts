import type { Report } from "../../report.ts"
import { ClockMarkStore } from "./clock-mark.ts"
import type { OpenStore } from "./database.ts"
import { UnrecordedTurns } from "./fact-gap.ts"
import { FactStore } from "./fact-store.ts"
import { MessageStore } from "./message-store.ts"
import { QueueCatalog } from "./queue-catalog.ts"
import { ReceiptStore } from "./receipt-store.ts"
import { readRecorded } from "./recorded-events.ts"
import type { ReserveFile } from "./reserve-file.ts"
import { StoreClock, type TimeSources } from "./store-clock.ts"

export interface TablesOptions {
  readonly time?: TimeSources
  readonly maxFactBytes?: number | undefined
  readonly reserve: ReserveFile
  readonly report: Report
}

/** The contents of a store, by table. */
export class Tables {
  readonly clock: StoreClock
  readonly messages: MessageStore
  readonly catalog: QueueCatalog
  readonly receipts: ReceiptStore
  /** Null if nothing records what became of each event. */
  readonly facts: FactStore | null
  /** Null if there are facts. */
  readonly unrecorded: UnrecordedTurns | null
  readonly #opened: OpenStore

  constructor(opened: OpenStore, { reserve, report, time, maxFactBytes }: TablesOptions) {
    const { database } = opened
    this.#opened = opened
    this.clock = new StoreClock(new ClockMarkStore(database), report, time)
    const recorded = readRecorded(database, this.clock)
    this.facts =
      maxFactBytes === undefined ? null : new FactStore(database, maxFactBytes, opened.turn, recorded)
    this.unrecorded = this.facts === null ? new UnrecordedTurns(database, recorded) : null
    this.messages = new MessageStore(database, this.facts)
    this.receipts = new ReceiptStore(database)
    this.catalog = reserve.spendOn(() => new QueueCatalog(database, this.messages))
  }

  /** Closes the database, too. */
  close(): void {
    this.messages.close()
    this.receipts.close()
    this.catalog.close()
    this.facts?.close()
    this.clock.close()
    this.#opened.database.close()
  }
}
