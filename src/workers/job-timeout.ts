import type { Job } from "./job.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** How long a handler may take to settle after its signal is aborted, in milliseconds. */
export const ABORT_GRACE_MS = 1_000

/**
 * How long a worker may leave its jobs alone, in milliseconds, while it calls none of their functions. It is then blocked
 * by what a function has left behind, and no timeout of a job would ever begin.
 */
const STUCK_MS = 10_000

export interface TimeoutWatcher {
  /** Called if the handler does not settle after its timeout and the abort of its signal. */
  readonly onOverdue: () => void
  /** Called if the worker does not call the function, or any other. */
  readonly onStuck: () => void
}

/**
 * Watches the timeout of a job, which counts from the call of its function, not from when the worker got the job. When
 * it is over, aborts the handler's signal.
 */
export function watchTimeout(thread: WorkerThread, job: Job, { onOverdue, onStuck }: TimeoutWatcher): void {
  const { timeoutMs } = job.request.target.manifest
  const wait = (waitMs: number): void =>
    job.setTimer(waitMs, () => {
      const ranMs = thread.runningForMs(job)
      if (ranMs === 0 && thread.isStuck(STUCK_MS)) {
        onStuck()
        return
      }
      const leftMs = timeoutMs - ranMs
      if (leftMs > 0) {
        wait(ranMs === 0 ? Math.min(leftMs, STUCK_MS) : leftMs)
        return
      }
      job.overdue()
      thread.send({ kind: "abort", job: job.id, reason: "the handler's timeout is over" })
      job.setTimer(ABORT_GRACE_MS, onOverdue)
    })
  wait(Math.min(timeoutMs, STUCK_MS))
}
