import type { Logger } from "../telemetry/logger.ts"

/** Time between two lines of the log about workers that died of the same cause, in milliseconds. */
export const TELL_INTERVAL_MS = 1_000

/** The death of a worker. */
export interface Death {
  /** Fields of the log that tell its cause. Deaths with equal ones have the same cause. */
  readonly about: Readonly<Record<string, unknown>>
  /** Jobs that the worker had. */
  readonly running: number
  /** The wait before the next worker is started in its place, in milliseconds. */
  readonly retryInMs: number
}

/** Deaths of one cause since the last line about it. */
interface Untold {
  deaths: number
  last: Death | null
  readonly timer: Timer
}

/**
 * Tells the log of workers that died: of the first of a cause at once, and of later ones of the same cause at most once a
 * second, with their number. Several workers that each die soon after their start would otherwise fill the log.
 */
export class WorkerDeaths {
  readonly #logger: Logger
  readonly #untold = new Map<string, Untold>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  tell(death: Death): void {
    const cause = JSON.stringify(death.about)
    const untold = this.#untold.get(cause)
    if (untold === undefined) {
      this.#write(death, 1)
      this.#begin(cause)
      return
    }
    untold.deaths++
    untold.last = death
  }

  /** Tells of all that is not told yet. */
  stop(): void {
    for (const [cause, { timer }] of this.#untold) {
      clearTimeout(timer)
      this.#end(cause)
    }
  }

  #begin(cause: string): void {
    const timer = setTimeout(() => {
      if (this.#end(cause)) this.#begin(cause)
    }, TELL_INTERVAL_MS)
    this.#untold.set(cause, { deaths: 0, last: null, timer })
  }

  /** Ends the interval of a cause. Returns whether anything was left to tell. */
  #end(cause: string): boolean {
    const untold = this.#untold.get(cause)
    this.#untold.delete(cause)
    if (untold === undefined || untold.last === null) return false
    this.#write(untold.last, untold.deaths)
    return true
  }

  #write({ about, running, retryInMs }: Death, deaths: number): void {
    const fields = { ...about, running, ...(deaths > 1 && { deaths }), retry_in_ms: retryInMs }
    this.#logger.error(fields, "a worker died; it will be replaced")
  }
}
