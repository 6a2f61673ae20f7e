import type { Database } from "bun:sqlite"
import type { Report } from "../report.ts"
import { DiskRoom } from "./disk-room.ts"
import { canShrink, IdleVacuum } from "./idle-vacuum.ts"
import type { ReserveFile } from "./reserve-file.ts"
import { StoreMeter } from "./store-size.ts"

export interface UpkeepOptions {
  readonly dataDir: string
  readonly reserve: ReserveFile
  readonly messageCount: () => number
  readonly logPages: number
  readonly mayWrite: () => boolean
  readonly checkpoint: () => Promise<void>
  /** Called if the store turns out to be damaged. */
  readonly onDamage: (cause: unknown) => void
  /** Called after each look at the volume. */
  readonly onLook: () => void
  readonly report: Report
}

/** A store of a version before vacuum was incremental. */
const CANT_SHRINK =
  "the store's file has a format that keeps its size: stop the service and run event-broker store compact, once"

/** How often the volume and the free pages are looked at, in milliseconds. */
const LOOK_INTERVAL_MS = 500

/** Keeps an eye on the disk for an open store: on the room that is left, and on what the store can give back. */
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

  /** Something was written on behalf of events. */
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
      // A volume that can't be asked leaves the room as it was; the store's next write finds out what is wrong.
      return
    }
    this.#onLook()
  }
}
