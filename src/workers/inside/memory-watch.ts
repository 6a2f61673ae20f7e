import { inTime, now } from "../../system/intrinsics.ts"

/** How often the heap is measured while functions run, in milliseconds. */
const LOOK_MS = 1_000

/** A collection of the heap is followed by a pause that is so many times as long, so that it takes a small part of the time. */
const PAUSE_FACTOR = 20

const memoryUsage = process.memoryUsage.bind(process)
const collectGarbage: (isSynchronous: boolean) => void = Bun.gc

/** The size of this worker's own heap at its last collection, with buffers, in bytes. `rss` would be that of the process. */
export const heapBytes = (): number => memoryUsage().heapUsed

export interface MemoryWatchOptions {
  /** Returns the largest heap, in bytes; 0: no limit. */
  readonly limitBytes: () => number
  /** Returns true while functions run. */
  readonly isBusy: () => boolean
  /** Called once, with the size of the heap, in bytes. */
  readonly onExceeded: (heapBytes: number) => void
}

/** Watches the heap of the worker while it runs functions. Garbage does not count. */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions
  #state: "idle" | "watching" | "exceeded" = "idle"

  constructor(options: MemoryWatchOptions) {
    this.#options = options
  }

  /** Call it whenever a function begins. The heap is measured once more after the last one has ended. */
  begin(): void {
    if (this.#state !== "idle" || this.#options.limitBytes() === 0) return
    this.#state = "watching"
    inTime(() => this.#look(), LOOK_MS)
  }

  #look(): void {
    const { isBusy, limitBytes, onExceeded } = this.#options
    let pauseMs = LOOK_MS
    if (heapBytes() > limitBytes()) {
      const since = now()
      collectGarbage(true)
      if (heapBytes() > limitBytes()) {
        this.#state = "exceeded"
        onExceeded(heapBytes())
        return
      }
      pauseMs = Math.max(LOOK_MS, PAUSE_FACTOR * (now() - since))
    }
    if (isBusy()) inTime(() => this.#look(), pauseMs)
    else this.#state = "idle"
  }
}
