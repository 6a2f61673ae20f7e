import type { Config } from "../config.ts"
import type { Engine } from "../engine/engine.ts"
import { RecordedHistory } from "../history/recorded-history.ts"
import { LiveStream } from "../live/live-stream.ts"
import { ReplayFile } from "../replay/replay-file.ts"
import { Replays } from "../replay/replays.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Lifecycle } from "./lifecycle.ts"

export interface HistoryPartsOptions {
  readonly config: Config
  readonly engine: Engine
  /** Bound of the history in bytes; null if none is kept. */
  readonly maxHistoryBytes: number | null
  /** Entry file of the thread that keeps the history's file. */
  readonly historyThreadUrl: string
  readonly logger: Logger
}

/** The record of what became of each event, and what uses it. All are null if none is kept. */
export type HistoryParts =
  | { readonly history: RecordedHistory; readonly replays: Replays; readonly outcomes: LiveStream }
  | { readonly history: null; readonly replays: null; readonly outcomes: null }

const NONE: HistoryParts = { history: null, replays: null, outcomes: null }

/** Begins to follow the engine's facts, and interrupts replays and stores what has arrived when the service stops. */
export function beginHistory(options: HistoryPartsOptions, lifecycle: Lifecycle): HistoryParts {
  const { config, engine, maxHistoryBytes: maxBytes, historyThreadUrl: threadUrl, logger } = options
  if (maxBytes === null && config.HISTORY === "on")
    logger.warn({ data_dir: config.DATA_DIR }, "no history, because the volume is smaller than 128 MiB")
  if (engine.facts === null || maxBytes === null) return NONE
  const history = new RecordedHistory(engine.facts, {
    dataDir: config.DATA_DIR,
    limits: { retentionMs: config.HISTORY_RETENTION, maxBytes },
    threadUrl,
    report: (level, message, fields) => logger[level](fields, message),
  })
  lifecycle.started("history", () => history.close())
  const replays = new Replays({ engine, source: history, file: new ReplayFile(config.DATA_DIR), logger })
  lifecycle.started("replays", () => replays.stop())
  return { history, replays, outcomes: new LiveStream(history.outcomes) }
}
