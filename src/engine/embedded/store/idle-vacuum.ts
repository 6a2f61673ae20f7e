import type { Database } from "bun:sqlite"
import { LogLength } from "./log-length.ts"
import { isDamage } from "./store-damage.ts"
import type { StoreSize } from "./store-size.ts"

export interface IdleVacuumOptions {
  /** Maximum length of the log before it is copied into the database, in pages. */
  readonly logPages: number
  /** Returns whether the store may be written now and no other write is in progress. */
  readonly mayWrite: () => boolean
  /**
   * Copies the log into the database, which shortens its file. Resolves when the store may be written again.
   */
  readonly checkpoint: () => Promise<void>
  /** Called when the store turns out to be damaged. */
  readonly onDamage: (cause: unknown) => void
}

/** Fewest free pages worth returning: 4 MiB. Fewer are soon used again. */
const WORTHWHILE_PAGES = 1_024

/** Free pages kept for the next events. */
const KEPT_PAGES = 256

/** Pages per statement: about a millisecond if every page has to be moved. */
const SLICE_PAGES = 32

/** Longest run of slices before the event loop continues, in milliseconds. */
const BURST_MS = 2

/** Pause for the event loop between bursts, in milliseconds. */
const PAUSE_MS = 10

/**
 * Returns free pages of the database to the volume while nothing else is written, a few at a time. Pages at
 * the end of the file move into free ones.
 */
export class IdleVacuum {
  readonly #options: IdleVacuumOptions
  readonly #freePages
  readonly #slice
  readonly #log: LogLength
  #state: "idle" | "running" | "closed" = "idle"
  #wasBusy = true

  constructor(database: Database, options: IdleVacuumOptions) {
    this.#options = options
    this.#freePages = database.prepare<{ freelist_count: number }, []>("PRAGMA freelist_count")
    this.#slice = database.prepare(`PRAGMA incremental_vacuum(${SLICE_PAGES})`)
    this.#log = new LogLength(database)
  }

  /**
   * Stops the vacuum, because something was written. It starts again after a check that finds no writes since
   * the last one.
   */
  postpone(): void {
    this.#wasBusy = true
  }

  /**
   * Called periodically with the size of the store. Starts the vacuum if nothing was written since the last
   * call.
   */
  consider({ freePages }: StoreSize): void {
    const wasBusy = this.#wasBusy
    this.#wasBusy = false
    if (wasBusy || this.#state !== "idle" || freePages < WORTHWHILE_PAGES) return
    this.#state = "running"
    void this.#run().finally(() => {
      if (this.#state === "running") this.#state = "idle"
    })
  }

  close(): void {
    this.#state = "closed"
    this.#freePages.finalize()
    this.#slice.finalize()
    this.#log.close()
  }

  async #run(): Promise<void> {
    try {
      while (this.#mayGoOn()) {
        const isDone = this.#vacuum()
        if (isDone || this.#isLogLong()) await this.#options.checkpoint()
        if (isDone) return
        await Bun.sleep(PAUSE_MS)
      }
    } catch (cause) {
      // Other errors lose nothing, and the next turn detects a store that can't be written.
      if (isDamage(cause)) this.#options.onDamage(cause)
    }
  }

  /** A log that is still long could not be copied because something reads it. The next check tries again. */
  #mayGoOn(): boolean {
    return this.#state === "running" && !this.#wasBusy && this.#options.mayWrite() && !this.#isLogLong()
  }

  #isLogLong(): boolean {
    return this.#log.pagesBeforeNext >= this.#options.logPages
  }

  /** Returns true if there is nothing left to return. */
  #vacuum(): boolean {
    const end = performance.now() + BURST_MS
    while (performance.now() < end) {
      const left = this.#freePages.get()?.freelist_count ?? 0
      if (left <= KEPT_PAGES) return true
      this.#slice.all()
    }
    return false
  }
}

/**
 * Returns whether the database returns free pages. Its format is set when it is created, or by a compaction.
 */
export function canShrink(database: Database): boolean {
  const row = database.query<{ auto_vacuum: number }, []>("PRAGMA auto_vacuum").get()
  return row?.auto_vacuum === INCREMENTAL
}

// Source: sqlite.org/pragma.html#pragma_auto_vacuum.
const INCREMENTAL = 2
