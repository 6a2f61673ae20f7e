import type { Job } from "./job.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** How long a handler may take to settle after its signal is aborted, in milliseconds. */
export const ABORT_GRACE_MS = 1_000

/**
 * Watches the timeout of a job, which counts from the call of its function, not from when the worker got the job. When
 * it is over, aborts the handler's signal.
 * @param giveUp called if the handler does not settle after that
 */
export function watchTimeout(thread: WorkerThread, job: Job, giveUp: () => void): void {
  const { timeoutMs } = job.request.target.manifest
  const wait = (waitMs: number): void =>
    job.setTimer(waitMs, () => {
      const leftMs = timeoutMs - thread.runningForMs(job)
      if (leftMs > 0) {
        wait(leftMs)
        return
      }
      job.overdue()
      thread.send({ kind: "abort", job: job.id, reason: "the handler's timeout is over" })
      job.setTimer(ABORT_GRACE_MS, giveUp)
    })
  wait(timeoutMs)
}
