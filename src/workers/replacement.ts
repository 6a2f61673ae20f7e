import type { LastWords } from "./messages.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** Why the pool replaces a worker that runs. */
export const STUCK = "a worker does not call the functions of its events; it is replaced"
export const STUCK_ADVICE =
  "a function that has ended has probably left a loop behind, or replaced a built-in, such as an iterator"

/** Counts the end of such a worker as one of its own code. */
export const STUCK_WORDS: LastWords = {
  cause: "own-code",
  error: { name: "WorkerStuck", message: STUCK },
  job: null,
  call: null,
  module: null,
}

export const MEMORY_EXCEEDED =
  "the heap of a worker is larger than WORKER_MEMORY; the worker finishes its events and is replaced"

const MEMORY_ADVICE =
  "a handler module probably keeps what it no longer needs; if it needs so much, set a larger WORKER_MEMORY"

/** Describes a worker whose heap is too large in fields of the log. */
export const describeMemory = (
  { jobs, readyForMs }: Pick<WorkerThread, "jobs" | "readyForMs">,
  heapBytes: number,
  limitBytes: number,
): Readonly<Record<string, unknown>> => ({
  heap_bytes: heapBytes,
  limit_bytes: limitBytes,
  running: jobs.size,
  ready_for_seconds: Math.round(readyForMs / 1_000),
  advice: MEMORY_ADVICE,
})
