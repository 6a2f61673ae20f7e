import type { FailureRecord } from "../../../event/failure.ts"
import { askVolume, type VolumeSpace, volumeOf } from "../../../system/volume.ts"
import { inMebibytes, LOG_OVERRUN, logBytesFor } from "./log-bytes.ts"
import type { ReserveFile } from "./reserve-file.ts"
import type { StoreMeter, StoreSize } from "./store-size.ts"

export interface DiskRoomOptions {
  readonly dataDir: string
  readonly meter: StoreMeter
  readonly reserve: ReserveFile
  /** Number of stored messages; each can still be retried or become a dead letter. */
  readonly messageCount: () => number
}

/**
 * Bytes that a message can still grow by when it is retried or becomes a dead letter: a failure record
 * without its stack, and index entries.
 */
const SETTLE_BYTES = 640

/**
 * Publishing stops when this many bytes are left, so that either all events of a common size fit, or none.
 */
const LEAST_BYTES = 65_536

/**
 * Bytes that the file system may need for extents, folders and its journal, and SQLite for the log's index.
 */
const FILE_SYSTEM_BYTES = 98_304

/** Ratio of a page of small rows to its rows, after page splits. */
const SPLIT_LOSS = 1.25

/** Bytes of an event in tables and indexes, besides its body, for each queue. */
const ROW_BYTES = 256

/** Until the next checkpoint, a page exists both in the database and in the log. */
const COPIES = 2

/** Longest error texts that are stored while space is short, in characters. */
const SHORT_NAME_LENGTH = 64
const SHORT_MESSAGE_LENGTH = 128

/**
 * Watches the free space of the store's volume, so that publishing stops while everything stored can still be
 * settled. It reserves what a whole cycle of the write-ahead log needs, what the checkpoint still adds to the
 * database, and the failure records of all stored messages.
 *
 * Between two checks of the volume it subtracts the upper bound of what each publish uses.
 */
export class DiskRoom {
  readonly #options: DiskRoomOptions
  /** Bytes that publishes may still use. */
  #budget = 0
  #budgetSeen = 0
  /** Bytes used since the start, to account for publishes during a check. */
  #taken = 0
  #shortage: string | null = null
  #isLogLong = false
  #pageBytes = 0

  constructor(options: DiskRoomOptions) {
    this.#options = options
    this.look()
  }

  /** Why publishes are refused, as part of a sentence; null while there is room. */
  get shortage(): string | null {
    return this.#shortage
  }

  /** True if space is short and part of it is used by a log that is due to be copied. */
  get needsCheckpoint(): boolean {
    return this.#shortage !== null && this.#isLogLong
  }

  /** Checks the volume at once. Cheap, but a system call: use it when the budget runs out. */
  look(): void {
    this.#account(volumeOf(this.#options.dataDir), this.#options.meter.measure())
  }

  /** Checks the volume without blocking the event loop, and then the store, if that is still open. */
  async watch(isOpen: () => boolean): Promise<StoreSize | null> {
    const before = this.#taken
    const volume = await askVolume(this.#options.dataDir)
    if (!isOpen()) return null
    const size = this.#options.meter.measure()
    this.#account(volume, size, this.#taken - before)
    return size
  }

  /** Called before a turn that publishes. */
  beforeTurn(): void {
    if (this.#budget < this.#budgetSeen / 2) this.look()
  }

  /**
   * Takes room for an event. Returns null, or why there is not enough room; the event must not be stored
   * then. A large event may be refused while smaller ones still fit.
   * @param rows number of its queues; one more for every 256 bytes that are stored with it
   */
  take(body: string, rows: number): string | null {
    const bytes = Buffer.byteLength(body)
    const cost =
      COPIES *
      ((bytes < this.#pageBytes / 2 ? bytes * SPLIT_LOSS : this.#wholePages(bytes)) + rows * ROW_BYTES)
    if (cost > this.#budget) return this.#shortage ?? `the disk is nearly full: no room for ${bytes} bytes`
    this.#spend(cost)
    return null
  }

  /** Returns the failure to store: complete while there is room, otherwise shortened. */
  fit<Failure extends FailureRecord>(failure: Failure): Failure {
    const { error } = failure
    if (error === null) return failure
    this.#spend(COPIES * (error.message.length + (error.stack?.length ?? 0)))
    if (this.#budget > 0 && this.#shortage === null) return failure
    const { name, message } = error
    const short = { name: name.slice(0, SHORT_NAME_LENGTH), message: message.slice(0, SHORT_MESSAGE_LENGTH) }
    return { ...failure, error: short }
  }

  /** Releases the reserve to the volume, for settlements. Returns false if it was already used. */
  spendReserve(): boolean {
    if (!this.#options.reserve.release()) return false
    this.#budget = 0
    this.#shortage ??= "the disk is full: stored events are settled from the reserve"
    return true
  }

  /** A body larger than half a page has its own pages, in addition to the page of its row. */
  #wholePages(bytes: number): number {
    return (Math.ceil(bytes / this.#pageBytes) + 1) * this.#pageBytes
  }

  #spend(bytes: number): void {
    this.#budget -= bytes
    this.#taken += bytes
  }

  /** @param spent bytes that publishes have used since the volume was checked */
  #account({ totalBytes, freeBytes }: VolumeSpace, size: StoreSize, spent = 0): void {
    const { reserve, messageCount } = this.#options
    this.#pageBytes = size.pageBytes
    const margin = logBytesFor(totalBytes)
    const growth = Math.max(0, size.pages * size.pageBytes - size.fileBytes)
    this.#isLogLong = size.logBytes >= margin
    // A log that is being read, for example by a backup, can't be restarted and grows beyond its length.
    const length = Math.max(margin, size.logBytes) + margin * (LOG_OVERRUN - 1)
    const log = Math.max(0, length - size.logFileBytes)
    // Equals the maximum size of the log: when the disk fills up, the whole log may still have to be written,
    // or all of its pages added to the database, or a mix of both.
    const missing = reserve.missing(margin)
    const unclaimed = freeBytes - growth - log - FILE_SYSTEM_BYTES
    // Free pages of the database need no space on the volume, but writing to them needs space in the log.
    const room = unclaimed - missing
    const usable = size.freePages * size.pageBytes - messageCount() * SETTLE_BYTES
    this.#budget = (room <= 0 ? room : room + usable) - spent
    this.#budgetSeen = this.#budget
    if (missing > 0 && unclaimed > missing + margin) reserve.fill(margin)
    const isShort = this.#shortage === null ? this.#budget < LEAST_BYTES : this.#budget < margin
    const kept = freeBytes - this.#budget + margin
    this.#shortage = isShort
      ? `the disk is nearly full: ${inMebibytes(freeBytes)} left, ${inMebibytes(kept)} kept for settling what is stored`
      : null
  }
}
