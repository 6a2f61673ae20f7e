import type { Job } from "./job.ts"
import type { WaitingJobs } from "./waiting-jobs.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** The part of a worker that decides whether it gets a job. */
export type Candidate = Pick<WorkerThread, "state" | "isReserved" | "jobsOf"> & {
  readonly jobs: { readonly size: number }
}

/**
 * Gives waiting jobs to the least busy workers, as long as one has credit. A queue whose functions hang uses up only its own
 * credit, and events of other queues are handled.
 * @param prefetch jobs of one queue that a worker holds at a time; with 1, it holds one job in all
 * @param run gives a job to a worker
 */
export function assignJobs<Thread extends Candidate>(
  waiting: WaitingJobs,
  threads: ReadonlySet<Thread>,
  prefetch: number,
  run: (thread: Thread, job: Job) => void,
): void {
  assignAlone(waiting, threads, run)
  const workerFor = (queue: string): Thread | undefined =>
    leastBusy(threads, (each) => (prefetch === 1 ? each.jobs.size : each.jobsOf(queue)) < prefetch)
  for (;;) {
    const job = waiting.shiftShared((queue) => workerFor(queue) !== undefined)
    const thread = job && workerFor(job.request.queue)
    if (job === undefined || thread === undefined) return
    run(thread, job)
  }
}

/** Gives jobs that run alone to idle workers. If none is idle, reserves one for the next job. */
function assignAlone<Thread extends Candidate>(
  waiting: WaitingJobs,
  threads: ReadonlySet<Thread>,
  run: (thread: Thread, job: Job) => void,
): void {
  while (waiting.hasAlone) {
    const thread = idleThread(threads)
    if (thread === undefined) {
      const isOneReserved = [...threads].some((each) => each.state === "ready" && each.isReserved)
      const next = isOneReserved ? undefined : leastBusy(threads, () => true)
      if (next !== undefined) next.isReserved = true
      return
    }
    const job = waiting.shiftAlone()
    if (job === undefined) return
    run(thread, job)
    thread.isReserved = thread.jobs.size > 0
  }
}

function idleThread<Thread extends Candidate>(threads: ReadonlySet<Thread>): Thread | undefined {
  for (const thread of threads) if (thread.state === "ready" && thread.jobs.size === 0) return thread
  return undefined
}

function leastBusy<Thread extends Candidate>(
  threads: ReadonlySet<Thread>,
  isCandidate: (thread: Thread) => boolean,
): Thread | undefined {
  let least: Thread | undefined
  for (const thread of threads) {
    if (thread.state !== "ready" || thread.isReserved || !isCandidate(thread)) continue
    if (least === undefined || thread.jobs.size < least.jobs.size) least = thread
  }
  return least
}
