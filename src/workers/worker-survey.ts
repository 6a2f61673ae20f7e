import type { Crew } from "./crew.ts"
import type { WorkerThread } from "./worker-thread.ts"
import type { CpuShare } from "./worker-usage.ts"

/** A worker as it is now, or the place of one that is not there. */
export interface WorkerState {
  /** Number of its place in the pool, from 1; null for a worker whose place another one has. */
  readonly place: number | null
  /** `waiting`: it is started again after a while. `finishing`: it gets no more jobs, and ends after those that it has. */
  readonly state: "starting" | "ready" | "waiting" | "finishing"
  /** The module set that it has loaded; null if it has loaded none. */
  readonly generation: string | null
  /** Jobs that it has: one for each event, or batch of events. */
  readonly jobs: number
  /** The size of its heap, in bytes; null if it is not known. */
  readonly heapBytes: number | null
  /** Null if it is not known. */
  readonly cpu: CpuShare | null
  /** False if a function of it does not yield. */
  readonly isResponding: boolean
  /** How long it has been ready, in milliseconds. */
  readonly readyForMs: number
  /** How often a worker in this place was replaced because of what it ran, since the modules were loaded. */
  readonly replaced: number
}

/** How long an answer of all workers may take, in milliseconds: one that runs an endless loop never answers. */
const PATIENCE_MS = 100

/** Shortest time between two questions, in milliseconds: any number of clients cost what one costs. */
const MIN_INTERVAL_MS = 500

/** Asks the workers what they use, when somebody wants to know. */
export class WorkerSurvey {
  readonly #crew: Pick<Crew, "places" | "threads">
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<unknown> = Promise.resolve()

  constructor(crew: Pick<Crew, "places" | "threads">) {
    this.#crew = crew
  }

  /** Returns each worker as it is: those in a place of the pool, then those that only finish their jobs. */
  async look(): Promise<readonly WorkerState[]> {
    if (performance.now() - this.#askedAt >= MIN_INTERVAL_MS) {
      this.#askedAt = performance.now()
      this.#asking = this.#ask()
    }
    await this.#asking
    const { places, threads } = this.#crew
    const seated = places.map(({ seat, thread }, place) =>
      describe(thread, place + 1, seat.isWaiting ? "waiting" : "starting", seat.replaced),
    )
    const known = new Set(places.map(({ thread }) => thread))
    const others = [...threads].filter((thread) => thread.state === "retiring" && !known.has(thread))
    return [...seated, ...others.map((thread) => describe(thread, null, "finishing", 0))]
  }

  async #ask(): Promise<void> {
    const loaded = [...this.#crew.threads].filter(({ state }) => state === "ready" || state === "retiring")
    if (loaded.length === 0) return
    await Promise.race([Promise.all(loaded.map(measure)), Bun.sleep(PATIENCE_MS)])
  }
}

const measure = (thread: WorkerThread): Promise<void> =>
  thread.usage.ask(() => thread.send({ kind: "measure" }))

/** @param state the one without a worker that is ready */
function describe(
  thread: WorkerThread | null,
  place: number | null,
  state: WorkerState["state"],
  replaced: number,
): WorkerState {
  return {
    place,
    state: thread?.state === "ready" ? "ready" : state,
    generation: thread?.generation ?? null,
    jobs: thread?.jobs.size ?? 0,
    heapBytes: thread?.usage.heapBytes ?? null,
    cpu: thread?.usage.cpu ?? null,
    isResponding: thread?.usage.isResponding ?? true,
    readyForMs: thread?.readyForMs ?? 0,
    replaced,
  }
}
