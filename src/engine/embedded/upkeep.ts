import type { Database } from "bun:sqlite"
import { DiskRoom } from "./disk-room.ts"
import type { ReserveFile } from "./reserve-file.ts"
import { StoreMeter } from "./store-size.ts"

export interface UpkeepOptions {
  readonly dataDir: string
  readonly reserve: ReserveFile
  readonly messageCount: () => number
  /** Called after each look at the volume. */
  readonly onLook: () => void
}

/** How often the volume is looked at, in milliseconds. */
const LOOK_INTERVAL_MS = 500

/** Keeps an eye on the disk for an open store: on the room that is left. */
export class Upkeep {
  readonly room: DiskRoom
  readonly #reserve: ReserveFile
  readonly #meter: StoreMeter
  readonly #onLook: () => void
  readonly #timer: Timer
  #isClosed = false

  constructor(database: Database, options: UpkeepOptions) {
    this.#reserve = options.reserve
    this.#meter = new StoreMeter(database)
    this.room = new DiskRoom({ ...options, meter: this.#meter })
    this.#onLook = options.onLook
    this.#timer = setInterval(() => void this.#look(), LOOK_INTERVAL_MS)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#meter.close()
    await this.#reserve.close()
  }

  async #look(): Promise<void> {
    try {
      if ((await this.room.watch(() => !this.#isClosed)) === null) return
    } catch {
      // A volume that can't be asked leaves the room as it was; the store's next write finds out what is wrong.
      return
    }
    this.#onLook()
  }
}
