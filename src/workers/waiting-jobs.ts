import type { Job } from "./job.ts"
import { PriorityQueue } from "./priority-queue.ts"

/** Jobs that wait for a worker: those that run alone first, in order of arrival, and then the others by priority. */
export class WaitingJobs {
  readonly #alone: Job[] = []
  /** By queue: no worker may have credit for the jobs of one while there is some for those of others. */
  readonly #shared = new Map<string, PriorityQueue<Job>>()

  /** True if a job waits that runs with no other beside it. */
  get hasAlone(): boolean {
    return this.#alone.length > 0
  }

  push(job: Job): void {
    if (job.isAlone) this.#alone.push(job)
    else this.#rowOf(job).push(job, job.request.priority)
  }

  /** Puts back a job that a worker had, before all others of its kind and priority. */
  putBack(job: Job): void {
    if (job.isAlone) this.#alone.unshift(job)
    else this.#rowOf(job).putBack(job, job.request.priority)
  }

  shiftAlone(): Job | undefined {
    return this.#alone.shift()
  }

  /**
   * Takes the next job that can run beside others, of the queues with credit.
   * @param hasCredit returns whether a worker can take a job of this queue. Default: always
   */
  shiftShared(hasCredit: (queue: string) => boolean = () => true): Job | undefined {
    let next: PriorityQueue<Job> | undefined
    for (const [queue, row] of this.#shared) {
      const isNext = row.first !== undefined && isBefore(row.first, next?.first)
      if (isNext && hasCredit(queue)) next = row
    }
    return next?.shift()
  }

  shift(): Job | undefined {
    return this.shiftAlone() ?? this.shiftShared()
  }

  #rowOf({ request: { queue } }: Job): PriorityQueue<Job> {
    let row = this.#shared.get(queue)
    if (row === undefined) {
      row = new PriorityQueue()
      this.#shared.set(queue, row)
    }
    return row
  }
}

/** Returns whether a job comes before another: by priority, and then by arrival. */
function isBefore(job: Job, other: Job | undefined): boolean {
  if (other === undefined) return true
  const ahead = job.request.priority - other.request.priority
  return ahead === 0 ? job.id < other.id : ahead > 0
}
