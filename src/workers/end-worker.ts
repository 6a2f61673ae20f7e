import { withTimeout } from "../system/with-timeout.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** How long the modules of a worker may take to release what they hold, in milliseconds. */
const TEARDOWN_MS = 5_000

/**
 * Ends a worker that has no jobs, once its modules have released what they hold, also if it has not loaded all of them.
 * @param withinMs how long that may take, in milliseconds. Default 5,000
 */
export async function endInOrder(
  thread: WorkerThread,
  logger: Logger,
  withinMs = TEARDOWN_MS,
): Promise<void> {
  thread.isEnding = true
  thread.retire()
  if (thread.hasTeardown && thread.state === "retiring") {
    const late = new Error(`a worker is ended before its modules' teardown has: it took over ${withinMs} ms`)
    await withTimeout(thread.tearDown(), Math.min(withinMs, TEARDOWN_MS), late).catch((error: unknown) =>
      logger.warn(error instanceof Error ? error.message : String(error)),
    )
  }
  thread.terminate()
}
