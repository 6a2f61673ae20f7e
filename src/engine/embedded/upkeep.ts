import type { Database } from "bun:sqlite"
import type { Report } from "../report.ts"
import { DiskRoom } from "./store/disk-room.ts"
import { canShrink, IdleVacuum } from "./store/idle-vacuum.ts"
import type { ReserveFile } from "./store/reserve-file.ts"
import { StoreMeter } from "./store/store-size.ts"

export interface UpkeepOptions {
  readonly dataDir: string
  readonly reserve: ReserveFile
  readonly messageCount: () => number
  readonly logPages: number
  readonly mayWrite: () => boolean
  readonly checkpoint: () => Promise<void>
  /** Called when the store turns out to be damaged. */
  readonly onDamage: (cause: unknown) => void
  /** Called after each check of the volume. */
  readonly onLook: () => void
  readonly report: Report
}

/** Logged for a store of a version without incremental vacuum. */
const CANT_SHRINK =
  "the format of the store's file does not let it shrink: stop the service and run event-broker store compact once"

/** Interval at which the volume and the free pages are checked, in milliseconds. */
const LOOK_INTERVAL_MS = 500

/** Watches the disk for an open store: the free space, and the pages that the store can return. */
export class Upkeep {
  readonly room: DiskRoom
  readonly #reserve: ReserveFile
  readonly #meter: StoreMeter
  readonly #vacuum: IdleVacuum | null
  readonly #onLook: () => void
  readonly #timer: Timer
  #isClosed = false

  constructor(database: Database, options: UpkeepOptions) {
    this.#reserve = options.reserve
    this.#meter = new StoreMeter(database)
    this.room = new DiskRoom({ ...options, meter: this.#meter })
    this.#vacuum = canShrink(database) ? new IdleVacuum(database, options) : null
    if (this.#vacuum === null) options.report("info", CANT_SHRINK, {})
    this.#onLook = options.onLook
    this.#timer = setInterval(() => void this.#look(), LOOK_INTERVAL_MS)
  }

  /** Call it after writes on behalf of events: postpones the vacuum. */
  noteWork(): void {
    this.#vacuum?.postpone()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#vacuum?.close()
    this.#meter.close()
    await this.#reserve.close()
  }

  async #look(): Promise<void> {
    try {
      const size = await this.room.watch(() => !this.#isClosed)
      if (size === null) return
      this.#vacuum?.consider(size)
    } catch {
      // If the volume can't be checked, the budget is unchanged; the store's next write finds out what is
      // wrong.
      return
    }
    this.#onLook()
  }
}
