import { randomFillSync } from "node:crypto"
import { existsSync, statSync, truncateSync } from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import type { Report } from "../report.ts"
import { FILE_MODE, RESERVE_FILE } from "./store-files.ts"
import { isDiskFull, reasonOf } from "./turn-failure.ts"

/** Bytes of one write. */
const PIECE_BYTES = 1_048_576

/** `stat` counts blocks of this size, whatever the file system's own. Source: stat(2), st_blocks. */
const STAT_BLOCK_BYTES = 512

/** How long to wait after the reserve could not be taken, in milliseconds. */
const RETRY_MS = 60_000

/**
 * Disk space that the store holds for the moment when another program has taken all the rest: a file of really
 * allocated blocks, given back to the volume when a write meets a full disk, so that events can still be settled.
 */
export class ReserveFile {
  readonly #file: string
  readonly #report: Report
  #filling: Promise<void> | null = null
  #mustStop = false
  #retryAt = 0
  #releases = 0

  constructor(dataDir: string, report: Report) {
    this.#file = join(dataDir, RESERVE_FILE)
    this.#report = report
  }

  /** How many of these bytes are not held. */
  missing(bytes: number): number {
    return Math.max(0, bytes - this.#heldBytes)
  }

  /** Takes so many bytes, beside the event loop. Does nothing while that goes on, or shortly after it failed. */
  fill(bytes: number): void {
    if (this.#filling !== null || this.#mustStop || performance.now() < this.#retryAt) return
    this.#filling = this.#fill(bytes)
      .catch((error: unknown) => {
        this.#retryAt = performance.now() + RETRY_MS
        this.#giveBack()
        if (!isDiskFull(error))
          this.#report("warn", `the disk reserve can't be taken: ${reasonOf(error)}`, {})
      })
      .finally(() => {
        this.#filling = null
      })
  }

  /** Gives the room back to the volume. False if there is nothing to give. */
  release(): boolean {
    if (this.#heldBytes === 0) return false
    this.#releases++
    this.#giveBack()
    return true
  }

  /** Runs the work; if the disk is full, gives the reserve back and runs it once more. */
  spendOn<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      if (!isDiskFull(error) || !this.release()) throw error
      return work()
    }
  }

  async close(): Promise<void> {
    this.#mustStop = true
    await this.#filling
  }

  get #heldBytes(): number {
    const stats = statSync(this.#file, { throwIfNoEntry: false })
    // A copy of the folder may have made a hole of the file.
    return stats === undefined ? 0 : Math.min(stats.size, stats.blocks * STAT_BLOCK_BYTES)
  }

  async #fill(bytes: number): Promise<void> {
    // Random bytes: file systems that compress keep no room for zeros.
    const piece = randomFillSync(Buffer.alloc(Math.min(PIECE_BYTES, bytes)))
    const releases = this.#releases
    await using handle = await open(this.#file, "w", FILE_MODE)
    for (let at = 0; at < bytes && !this.#mustStop; at += piece.length) {
      const { bytesWritten } = await handle.write(piece, 0, Math.min(piece.length, bytes - at), at)
      if (bytesWritten === 0) throw new Error("nothing was written")
      // Released meanwhile; this piece may have landed just after.
      if (this.#releases !== releases) return this.#giveBack()
    }
  }

  #giveBack(): void {
    if (!existsSync(this.#file)) return
    try {
      truncateSync(this.#file)
    } catch (error) {
      this.#report("warn", `the disk reserve can't be given back: ${reasonOf(error)}`, {})
    }
  }
}
