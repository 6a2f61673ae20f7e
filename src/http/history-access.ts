import type { RoutingSpace } from "../event/routing-space.ts"
import type {
  EventHistory,
  EventSummary,
  ListRequest,
  Page,
  UnfinishedQueue,
} from "../history/history-query.ts"
import type { Replays } from "../replay/replays.ts"
import { ProblemError } from "./problem.ts"

/** The history, as routes ask it. Its answers contain everything that was stored when the question came. */
export interface HistoryAccess {
  /** Why answers may lack something; null if they are complete. */
  readonly incomplete: string | null
  /** Returns null if the event is unknown, or its routing key is not in the space. @throws {HistoryUnavailableError} */
  lookup(id: string, within: RoutingSpace | null): Promise<EventHistory | null>
  /** @throws {HistoryUnavailableError | HistoryCursorError} */
  list(request: ListRequest): Promise<Page<EventSummary>>
  /** Returns the queues that have unfinished deliveries. @throws {HistoryUnavailableError} */
  unfinished(): Promise<readonly UnfinishedQueue[]>
}

const OFF = "The service keeps no history: HISTORY is off, or the volume of DATA_DIR is smaller than 128 MiB."

/** @throws {ProblemError} `not-found` if there is no history. */
export function requireHistory(history: HistoryAccess | null): HistoryAccess {
  if (history !== null) return history
  throw new ProblemError("not-found", OFF)
}

/** @throws {ProblemError} `not-found` if there is no history. */
export function requireReplays(replays: Replays | null): Replays {
  if (replays !== null) return replays
  throw new ProblemError("not-found", OFF)
}
