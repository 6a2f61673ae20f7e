import type { Database } from "bun:sqlite"
import { LogLength } from "./log-length.ts"
import { isDamage } from "./store-damage.ts"
import type { StoreSize } from "./store-size.ts"

export interface IdleVacuumOptions {
  /** How long the log may become before it is copied into the database, in pages. */
  readonly logPages: number
  /** Whether the store may be written at this moment, and nothing else is being written. */
  readonly mayWrite: () => boolean
  /** Copies the log into the database, which shortens its file. Resolves once the store may be written again. */
  readonly checkpoint: () => Promise<void>
  /** Called if the store turns out to be damaged. */
  readonly onDamage: (cause: unknown) => void
}

/** Free pages that are worth giving back: 4 MiB. Fewer are soon used again. */
const WORTHWHILE_PAGES = 1_024

/** Free pages that stay, for the next events. */
const KEPT_PAGES = 256

/** Pages of one statement: with every page to be moved, about a millisecond. */
const SLICE_PAGES = 32

/** How long slices follow each other before the event loop comes round, in milliseconds. */
const BURST_MS = 2

/** How long the event loop has for itself between bursts, in milliseconds. */
const PAUSE_MS = 10

/**
 * Gives free pages of the database back to the volume while nothing else is written, a few at a time. The pages at the
 * end move to where there is room.
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

  /** Something was written: the vacuum stops, and begins again after a look that finds nothing written since. */
  postpone(): void {
    this.#wasBusy = true
  }

  /** Called now and then, with what the store is like. Begins if nothing was written since the last call. */
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
      // Otherwise nothing is lost, and a store that can't be written is found out by the next turn.
      if (isDamage(cause)) this.#options.onDamage(cause)
    }
  }

  /** A log that is still long could not be copied, because something reads it: the next look tries again. */
  #mayGoOn(): boolean {
    return this.#state === "running" && !this.#wasBusy && this.#options.mayWrite() && !this.#isLogLong()
  }

  #isLogLong(): boolean {
    return this.#log.pagesBeforeNext >= this.#options.logPages
  }

  /** True once no more is to be given back. */
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

/** Whether the database gives free pages back: its format was chosen when it was made, or by a compaction. */
export function canShrink(database: Database): boolean {
  const row = database.query<{ auto_vacuum: number }, []>("PRAGMA auto_vacuum").get()
  return row?.auto_vacuum === INCREMENTAL
}

// Source: sqlite.org/pragma.html#pragma_auto_vacuum.
const INCREMENTAL = 2
