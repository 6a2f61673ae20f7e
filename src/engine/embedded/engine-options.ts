import type { EngineStatus } from "../engine.ts"
import type { Report } from "../report.ts"
import type { OnBuried } from "./burials.ts"
import type { TimeSources } from "./store-clock.ts"
import type { Log } from "./store-log.ts"

export interface EmbeddedEngineOptions {
  /** The folder of the store; made where it is missing. */
  readonly dataDir: string
  /** Where the store's clock takes the time from. Default: the system. For tests. */
  readonly time?: TimeSources
  /** Called when the engine's state changes. */
  readonly onStatusChange?: (status: EngineStatus) => void
  /** Takes what is worth a line in the log. Default: nobody. */
  readonly report?: Report
  /** Counts events that became dead letters without an attempt. Default: nobody. */
  readonly onBuried?: OnBuried
  /** The entry file of the thread that syncs the store. Default: the one in the sources. */
  readonly syncThreadUrl?: string
  /** Brings the store's log onto the disk. Default: by that thread. For tests, to hold it up or let it fail. */
  readonly openLog?: () => Log
}
