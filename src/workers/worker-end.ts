import type { Job } from "./job.ts"
import { describeCall, describeJob } from "./job-request.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** Advice for the ends of a worker that no event explains. */
const LEFT_BEHIND = "a timer, a request or a promise that a module left behind has failed: catch its error"
const UNKNOWN = "a promise or a timer that a module left behind has probably failed: catch its error"
const OWN_CODE =
  "the worker's own code failed: a handler module has probably replaced a built-in, such as a method of Array"

/**
 * Describes the end of a worker in fields of the log: its error, and the event or the module that is to blame, as far as it
 * is known.
 * @param jobs the jobs that it had
 * @param guilty the one that took it down, if that is certain
 */
export function describeEnd(
  { lastError, lastWords }: Pick<WorkerThread, "lastError" | "lastWords">,
  jobs: readonly Job[],
  guilty: Job | undefined,
): Readonly<Record<string, unknown>> {
  const about = { error: lastError }
  if (guilty !== undefined) return { ...about, ...describeJob(guilty.request) }
  if (lastWords === null) {
    const modules = [...new Set(jobs.map(({ request }) => request.target.manifest.file))]
    return { ...about, modules, ...(jobs.length === 0 && { advice: UNKNOWN }) }
  }
  const { cause, call, module } = lastWords
  const advice = cause === "own-code" ? OWN_CODE : LEFT_BEHIND
  return { ...about, ...(module !== null && { module }), ...describeCall(call), advice }
}
