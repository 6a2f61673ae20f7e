import type { Job } from "./job.ts"

export interface Blame {
  /** The job that took the worker down, if that is certain. */
  readonly guilty: Job | undefined
  /** Jobs of which one took the worker down. */
  readonly suspects: readonly Job[]
  /** Jobs that had not begun. */
  readonly innocent: readonly Job[]
}

/**
 * Finds the job that took its worker down. A worker runs several jobs at a time and can't tell which one called
 * `process.exit` or spins. If more than one had begun, each is a suspect and runs again alone, so an event never pays
 * with an attempt for what its neighbour did.
 */
export function blame(jobs: readonly Job[]): Blame {
  const started = jobs.filter((job) => job.hasStarted)
  // If none had begun, all are suspects: they run alone next time, so that this can't go on forever.
  const suspects = started.length > 0 ? started : jobs
  const innocent = jobs.filter((job) => !suspects.includes(job))
  const [only] = suspects
  return suspects.length === 1
    ? { guilty: only, suspects: [], innocent }
    : { guilty: undefined, suspects, innocent }
}
