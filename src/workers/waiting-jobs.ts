import type { Job } from "./job.ts"
import { PriorityQueue } from "./priority-queue.ts"

/** Jobs that wait for a worker: those that run alone first, in order of arrival, and then the others by priority. */
export class WaitingJobs {
  readonly #alone: Job[] = []
  readonly #shared = new PriorityQueue<Job>()

  /** True if a job waits that runs with no other beside it. */
  get hasAlone(): boolean {
    return this.#alone.length > 0
  }

  /** True if a job waits that can run beside others. */
  get hasShared(): boolean {
    return this.#shared.size > 0
  }

  push(job: Job): void {
    if (job.isAlone) this.#alone.push(job)
    else this.#shared.push(job, job.request.priority)
  }

  /** Puts back a job that a worker had, before all others of its kind and priority. */
  putBack(job: Job): void {
    if (job.isAlone) this.#alone.unshift(job)
    else this.#shared.putBack(job, job.request.priority)
  }

  shiftAlone(): Job | undefined {
    return this.#alone.shift()
  }

  shiftShared(): Job | undefined {
    return this.#shared.shift()
  }

  shift(): Job | undefined {
    return this.shiftAlone() ?? this.shiftShared()
  }
}
