import type { Job } from "./job.ts"

/** Jobs that wait for a worker: the highest priority first, then the one that came first. */
export class JobQueue {
  /** By priority; a `Map` of arrays, since there are few priorities and the order within one is arrival. */
  readonly #byPriority = new Map<number, Job[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(job: Job): void {
    this.#of(job).push(job)
    this.#size++
  }

  /** Puts a job that was taken before back in front of its equals. */
  putBack(job: Job): void {
    this.#of(job).unshift(job)
    this.#size++
  }

  shift(): Job | undefined {
    let highest: number | undefined
    for (const [priority, jobs] of this.#byPriority) {
      if (jobs.length > 0 && (highest === undefined || priority > highest)) highest = priority
    }
    if (highest === undefined) return undefined
    this.#size--
    return this.#byPriority.get(highest)?.shift()
  }

  #of(job: Job): Job[] {
    const { priority } = job.request
    let jobs = this.#byPriority.get(priority)
    if (jobs === undefined) {
      jobs = []
      this.#byPriority.set(priority, jobs)
    }
    return jobs
  }
}
