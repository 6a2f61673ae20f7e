import type { Job } from "./job.ts"

export interface Blame {
  /** The one job that took the worker down, where that is certain. */
  readonly guilty: Job | undefined
  /** Jobs of which one did. */
  readonly suspects: readonly Job[]
  /** Jobs that had not begun. */
  readonly innocent: readonly Job[]
}

/**
 * Finds which of a worker's jobs took it down. A worker runs several at a time, and can't say which of them
 * called `process.exit` or spins; so where more than one had begun, each is a suspect and is run again alone.
 * An event then never pays with an attempt for what its neighbour did.
 */
export function blame(jobs: readonly Job[]): Blame {
  const started = jobs.filter((job) => job.hasStarted)
  // Nobody's doing, it seems: the next time they run alone, so that it can't go on for ever.
  const suspects = started.length > 0 ? started : jobs
  const innocent = jobs.filter((job) => !suspects.includes(job))
  const [only] = suspects
  return suspects.length === 1
    ? { guilty: only, suspects: [], innocent }
    : { guilty: undefined, suspects, innocent }
}
