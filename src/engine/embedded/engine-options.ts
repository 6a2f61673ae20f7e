import type { EngineStatus } from "../engine.ts"
import type { Report } from "../report.ts"
import type { OnBuried } from "./commit/burials.ts"
import type { Log } from "./commit/store-log.ts"
import type { TimeSources } from "./store/store-clock.ts"

export interface EmbeddedEngineOptions {
  /** Folder of the store. Created if it is missing. */
  readonly dataDir: string
  /** Time sources of the store's clock. Default: the system. For tests. */
  readonly time?: TimeSources
  /** Called when the engine's state changes. */
  readonly onStatusChange?: (status: EngineStatus) => void
  /** Receives log entries. Default: none. */
  readonly report?: Report
  /** Most bytes of facts that wait for the history. Default: nothing records what became of each event. */
  readonly maxFactBytes?: number | undefined
  /** Counts events that became dead letters without an attempt. Default: none. */
  readonly onBuried?: OnBuried
  /** Entry file of the thread that syncs the store. Default: the file in the sources. */
  readonly syncThreadUrl?: string
  /**
   * Opens the log that brings turns onto the disk. Default: the sync thread. For tests, to delay it or make
   * it fail.
   */
  readonly openLog?: () => Log
}
