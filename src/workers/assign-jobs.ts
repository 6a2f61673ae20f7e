import type { Job } from "./job.ts"
import type { WaitingJobs } from "./waiting-jobs.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** The part of a worker that decides whether it gets a job. */
export type Candidate = Pick<WorkerThread, "state" | "isReserved" | "jobsOf"> & {
  readonly jobs: { readonly size: number }
}

/** The jobs to give to workers, and the bounds of that. */
export interface Assignment<Thread extends Candidate> {
  readonly waiting: WaitingJobs
  readonly threads: ReadonlySet<Thread>
  /** Jobs of one queue that a worker holds at a time; with 1, it holds one job in all. */
  readonly prefetch: number
  /** Returns whether a module may have one more job in the workers. */
  readonly hasRoom: (job: Job) => boolean
  /** Gives a job to a worker. */
  readonly run: (thread: Thread, job: Job) => void
}

/**
 * Gives waiting jobs to the least busy workers, as long as one has credit. A queue whose functions hang uses up only its own
 * credit, and events of other queues are handled.
 */
export function assignJobs<Thread extends Candidate>(assignment: Assignment<Thread>): void {
  assignAlone(assignment)
  const { waiting, threads, prefetch, hasRoom, run } = assignment
  for (;;) {
    let thread: Thread | undefined
    const job = waiting.shiftShared((each) => {
      const { queue } = each.request
      const hasCredit = (one: Thread) => (prefetch === 1 ? one.jobs.size : one.jobsOf(queue)) < prefetch
      const found = hasRoom(each) ? leastBusy(threads, hasCredit) : undefined
      if (found !== undefined) thread = found
      return found !== undefined
    })
    if (job === undefined || thread === undefined) return
    run(thread, job)
  }
}

/** Gives jobs that run alone to idle workers. If none is idle, reserves one for the next job. */
function assignAlone<Thread extends Candidate>({ waiting, threads, hasRoom, run }: Assignment<Thread>): void {
  for (;;) {
    const job = waiting.firstAlone(hasRoom)
    if (job === undefined) return
    const thread = idleThread(threads)
    if (thread === undefined) {
      const isOneReserved = [...threads].some((each) => each.state === "ready" && each.isReserved)
      const next = isOneReserved ? undefined : leastBusy(threads, () => true)
      if (next !== undefined) next.isReserved = true
      return
    }
    waiting.removeAlone(job)
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
