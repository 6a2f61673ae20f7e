import { randomFillSync } from "node:crypto"
import { existsSync, statSync, truncateSync } from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import { reasonOf } from "../../../system/reason-of.ts"
import type { Report } from "../../report.ts"
import { isDiskFull } from "./disk-full.ts"
import { FILE_MODE, RESERVE_FILE } from "./store-files.ts"

/** Bytes per write. */
const PIECE_BYTES = 1_048_576

/** `stat` counts blocks of this size on every file system. Source: stat(2), st_blocks. */
const STAT_BLOCK_BYTES = 512

/** Wait after a failed attempt to fill the reserve, in milliseconds. */
const RETRY_MS = 60_000

/**
 * Disk space that the store reserves for the moment when other programs have filled the volume: a file of
 * allocated blocks, released when a write meets a full disk, so that events can still be settled.
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

  /** Returns how many of these bytes are not reserved. */
  missing(bytes: number): number {
    return Math.max(0, bytes - this.#heldBytes)
  }

  /**
   * Reserves this many bytes without blocking the event loop. Does nothing while that is in progress, or
   * shortly after it failed.
   */
  fill(bytes: number): void {
    if (this.#filling !== null || this.#mustStop || performance.now() < this.#retryAt) return
    this.#filling = this.#fill(bytes)
      .catch((error: unknown) => {
        this.#retryAt = performance.now() + RETRY_MS
        this.#giveBack()
        if (!isDiskFull(error)) this.#report("warn", `can't reserve disk space: ${reasonOf(error)}`, {})
      })
      .finally(() => {
        this.#filling = null
      })
  }

  /** Releases the space to the volume. Returns false if nothing is reserved. */
  release(): boolean {
    if (this.#heldBytes === 0) return false
    this.#releases++
    this.#giveBack()
    return true
  }

  /** Runs the work; if the disk is full, releases the reserve and runs it again. */
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
    // In a copy of the folder, the file may be sparse.
    return stats === undefined ? 0 : Math.min(stats.size, stats.blocks * STAT_BLOCK_BYTES)
  }

  async #fill(bytes: number): Promise<void> {
    // Random bytes, because file systems with compression allocate nothing for zeros.
    const piece = randomFillSync(Buffer.alloc(Math.min(PIECE_BYTES, bytes)))
    const releases = this.#releases
    await using handle = await open(this.#file, "w", FILE_MODE)
    for (let at = 0; at < bytes && !this.#mustStop; at += piece.length) {
      const { bytesWritten } = await handle.write(piece, 0, Math.min(piece.length, bytes - at), at)
      if (bytesWritten === 0) throw new Error("nothing was written")
      // The reserve was released meanwhile; this piece may have been written just after.
      if (this.#releases !== releases) return this.#giveBack()
    }
  }

  #giveBack(): void {
    if (!existsSync(this.#file)) return
    try {
      truncateSync(this.#file)
    } catch (error) {
      this.#report("warn", `can't release the reserved disk space: ${reasonOf(error)}`, {})
    }
  }
}
