import type { Job } from "./job.ts"
import { PriorityQueue } from "./priority-queue.ts"

/** Jobs that wait for a worker: those that run alone first, in order of arrival, and then the others by priority. */
export class WaitingJobs {
  readonly #alone: Job[] = []
  /** By module, which has one queue: there may be no room for the jobs of one while there is some for those of others. */
  readonly #shared = new Map<string, PriorityQueue<Job>>()

  push(job: Job): void {
    if (job.isAlone) this.#alone.push(job)
    else this.#rowOf(job).push(job, job.request.priority)
  }

  /** Puts back a job that a worker had, before all others of its kind and priority. */
  putBack(job: Job): void {
    if (job.isAlone) this.#alone.unshift(job)
    else this.#rowOf(job).putBack(job, job.request.priority)
  }

  /** Returns the next job that runs with no other beside it, of the modules with room for one more. */
  firstAlone(hasRoom: (job: Job) => boolean): Job | undefined {
    return this.#alone.find(hasRoom)
  }

  removeAlone(job: Job): void {
    const place = this.#alone.indexOf(job)
    if (place >= 0) this.#alone.splice(place, 1)
  }

  /**
   * Takes the next job that can run beside others.
   * @param canRun returns whether a job can run now, and so whether any of its module can; true last for the job that is
   * taken. Default: always
   */
  shiftShared(canRun: (job: Job) => boolean = () => true): Job | undefined {
    let next: PriorityQueue<Job> | undefined
    for (const row of this.#shared.values()) {
      const isNext = row.first !== undefined && isBefore(row.first, next?.first)
      if (isNext && canRun(row.first)) next = row
    }
    return next?.shift()
  }

  shift(): Job | undefined {
    return this.#alone.shift() ?? this.shiftShared()
  }

  #rowOf({ request: { target } }: Job): PriorityQueue<Job> {
    const { file } = target.manifest
    let row = this.#shared.get(file)
    if (row === undefined) {
      row = new PriorityQueue()
      this.#shared.set(file, row)
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
