import type { Job } from "./job.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** How long a handler may take to settle after its signal is aborted, in milliseconds. */
export const ABORT_GRACE_MS = 1_000

/**
 * How long a worker may leave its jobs alone, in milliseconds, while it calls none of their functions. It is then blocked
 * by what a function has left behind, and no timeout of a job would ever begin.
 */
const STUCK_MS = 10_000

/**
 * How long before the engine takes a delivery back heartbeats no longer extend its attempt, in milliseconds. In this time
 * the handler settles, or is given up, and the event is stored for its next attempt.
 */
const SETTLE_MARGIN_MS = 10_000

const TIMEOUT = "the handler's timeout is over"
const TAKEN_BACK =
  "RabbitMQ's consumer_timeout is nearly over: heartbeats can't extend the handler's timeout further"

export interface TimeoutWatcher {
  /** Called if the handler does not settle after its timeout and the abort of its signal. */
  readonly onOverdue: () => void
  /** Called if the worker does not call the function, or any other. */
  readonly onStuck: () => void
}

/**
 * Watches the timeout of a job, which counts from the call of its function, or its last heartbeat, and not from when the
 * worker got the job. When it is over, aborts the handler's signal.
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
      const leftMs = leftOf(thread, job)
      if (leftMs > 0) {
        wait(ranMs === 0 ? Math.min(leftMs, STUCK_MS) : leftMs)
        return
      }
      job.overdue()
      const isSilent = thread.silentForMs(job) >= timeoutMs
      thread.send({ kind: "abort", job: job.id, reason: isSilent ? TIMEOUT : TAKEN_BACK })
      job.setTimer(ABORT_GRACE_MS, onOverdue)
    })
  wait(Math.min(timeoutMs, STUCK_MS))
}

/** Returns how long a job's function may go on, in milliseconds. Heartbeats only ever add to its timeout. */
function leftOf(thread: WorkerThread, job: Job): number {
  const { target, takenBackAt } = job.request
  const { timeoutMs } = target.manifest
  const extendedMs = Math.min(
    timeoutMs - thread.silentForMs(job),
    takenBackAt - SETTLE_MARGIN_MS - performance.now(),
  )
  return Math.max(timeoutMs - thread.runningForMs(job), extendedMs)
}
