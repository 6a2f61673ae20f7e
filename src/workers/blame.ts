import type { Job } from "./job.ts"
import type { LastWords } from "./messages.ts"

export interface Blame {
  /** The job that took the worker down, if that is certain. */
  readonly guilty: Job | undefined
  /** Jobs of which one took the worker down. */
  readonly suspects: readonly Job[]
  /** Jobs that had not begun, or that did not take the worker down. */
  readonly innocent: readonly Job[]
}

/**
 * Number of times that a job is taken for innocent, although it had begun, before it becomes a suspect: a worker's account
 * of its end can be wrong, and an event must not take workers down forever.
 */
export const MAX_SPARED = 10

/**
 * The same for an error in the worker's own code. Soon each event runs alone in a new worker: that shows the one whose
 * function breaks its worker, which keeps the others from being handled until then.
 */
export const MAX_SPARED_BY_OWN_CODE = 3

/**
 * Finds the job that took its worker down. A worker runs several jobs at a time and often can't tell which one called
 * `process.exit` or spins. If more than one had begun, each is a suspect and runs again alone, so an event never pays
 * with an attempt for what its neighbour did. After a rejection of unknown origin, even the only one is a suspect until it
 * has been spared `MAX_SPARED` times: a timer of another module ends workers in which an innocent event runs alone, too.
 * @param words what the worker knew about its end; null if it told nothing
 */
export function blame(jobs: readonly Job[], words: LastWords | null = null): Blame {
  const isOwnCode = words?.cause === "own-code"
  const culprit = isOwnCode ? undefined : jobs.find(({ id }) => id === words?.job)
  if (culprit !== undefined) {
    return { guilty: culprit, suspects: [], innocent: jobs.filter((job) => job !== culprit) }
  }
  const isSpared =
    words === null
      ? () => false
      : (job: Job) => canSpare(job, words) && job.spare(isOwnCode ? MAX_SPARED_BY_OWN_CODE : MAX_SPARED)
  const accused = jobs.filter((job) => !isSpared(job))
  const started = accused.filter((job) => job.hasStarted)
  // If none had begun, all are suspects: they run alone next time, so that this can't go on forever.
  const suspects = started.length > 0 ? started : accused
  const innocent = jobs.filter((job) => !suspects.includes(job))
  const [only] = suspects
  const isCertain = suspects.length === 1 && !(isOfUnknownOrigin(words) && only?.spare(MAX_SPARED))
  return isCertain ? { guilty: only, suspects: [], innocent } : { guilty: undefined, suspects, innocent }
}

/** Returns true for a rejected promise of which neither a call nor a module is known. */
const isOfUnknownOrigin = (words: LastWords | null): boolean =>
  words?.cause === "rejection" && words.call === null && words.module === null

/**
 * Returns true if a job did probably not cause an end that its worker has explained. A timer knows the call that set it,
 * so an error without a call comes from none; only a rejected promise does not know its call, and may be one of the
 * module's that the stack names.
 */
function canSpare(job: Job, { cause, call, module }: LastWords): boolean {
  if (cause !== "rejection" || call !== null) return true
  return module !== null && module !== job.request.target.manifest.file
}
