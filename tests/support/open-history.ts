import { History, type HistoryOptions } from "../../src/history/history.ts"
import { ROOMY } from "./facts.ts"
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts"

/** A history in a folder of its own, with what it told. */
export class OpenHistory {
  readonly folder: TemporaryFolder
  readonly begun: (string | null)[] = []
  readonly applied: string[] = []
  readonly reported: string[] = []
  readonly history: History

  constructor(options: Partial<HistoryOptions> = {}, folder = temporaryFolder()) {
    this.folder = folder
    this.history = new History({
      dataDir: folder.path,
      limits: ROOMY,
      onBegun: (position) => this.begun.push(position),
      onApplied: (position) => this.applied.push(position),
      report: (level, message) => this.reported.push(`${level} ${message}`),
      ...options,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.history.close()
    this.folder[Symbol.dispose]()
  }
}
