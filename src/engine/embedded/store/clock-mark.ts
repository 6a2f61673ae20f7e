import type { Database } from "bun:sqlite"
import { crc32 } from "node:zlib"

/** One moment on all clocks, stored for the next process. Times are in milliseconds. */
export interface ClockMark {
  readonly storeTime: number
  readonly wallTime: number
  /** Id of the boot, and time since that boot; null if the machine does not provide them. */
  readonly bootId: string | null
  readonly sinceBoot: number | null
}

/** Stores the single mark of a store, in SQL. */
export class ClockMarkStore {
  readonly #read
  readonly #write

  constructor(database: Database) {
    this.#read = database.prepare<ClockMark & { readonly checksum: number }, []>(
      `SELECT store_time AS storeTime, wall_time AS wallTime, boot_id AS bootId, since_boot AS sinceBoot, checksum
       FROM clock WHERE id = 1`,
    )
    this.#write = database.prepare<never, [number, number, string | null, number | null, number]>(
      "INSERT OR REPLACE INTO clock (id, store_time, wall_time, boot_id, since_boot, checksum) VALUES (1, ?, ?, ?, ?, ?)",
    )
  }

  /**
   * Returns null if the store has no mark yet or the mark is damaged, because a wrong mark could make every
   * event expire.
   */
  read(): ClockMark | null {
    const row = this.#read.get()
    if (row === null) return null
    const { checksum, ...mark } = row
    return checksum === checksumOf(mark) ? mark : null
  }

  write(mark: ClockMark): void {
    const { storeTime, wallTime, bootId, sinceBoot } = mark
    this.#write.run(storeTime, wallTime, bootId, sinceBoot, checksumOf(mark))
  }

  close(): void {
    this.#read.finalize()
    this.#write.finalize()
  }
}

const checksumOf = ({ storeTime, wallTime, bootId, sinceBoot }: ClockMark): number =>
  crc32(JSON.stringify([storeTime, wallTime, bootId, sinceBoot]))
