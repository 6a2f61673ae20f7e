import type { FailureRecord } from "../../event/failure.ts"
import type { ReserveFile } from "./reserve-file.ts"
import type { StoreMeter, StoreSize } from "./store-size.ts"
import { askVolume, inMebibytes, LOG_OVERRUN, logBytesFor, type VolumeSpace, volumeOf } from "./volume.ts"

export interface DiskRoomOptions {
  readonly dataDir: string
  readonly meter: StoreMeter
  readonly reserve: ReserveFile
  /** How many messages are stored; each may yet be retried, or become a dead letter. */
  readonly messageCount: () => number
}

/**
 * What a message may still grow by when it is retried or becomes a dead letter, in bytes: a failure record without
 * its stack, and its entries in the indexes.
 */
const SETTLE_BYTES = 640

/** Publishing stops with this much left, in bytes: events of a common size should all fit or all be refused. */
const LEAST_BYTES = 65_536

/** What the file system itself may take for extents, folders and its journal, and the log's index, in bytes. */
const FILE_SYSTEM_BYTES = 98_304

/** How much a page of small rows is larger than its rows, after splits. */
const SPLIT_LOSS = 1.25

/** What an event takes in the tables and indexes besides its body, for each queue. */
const ROW_BYTES = 256

/** The database and the log hold a page each until the next checkpoint. */
const COPIES = 2

/** Longest texts of an error that are kept once the room is short, in characters. */
const SHORT_NAME_LENGTH = 64
const SHORT_MESSAGE_LENGTH = 128

/**
 * Watches the room on the store's volume, so that publishing stops while everything that is stored can still be
 * settled. It keeps back what a whole cycle of the write-ahead log needs, what the checkpoint has yet to add to the
 * database, and the failure records of all stored messages.
 *
 * Between two looks at the volume it subtracts what each publish takes at most.
 */
export class DiskRoom {
  readonly #options: DiskRoomOptions
  /** Bytes that publishes may still take. */
  #budget = 0
  #budgetSeen = 0
  /** Bytes taken since the start, for a look during which more is taken. */
  #taken = 0
  #shortage: string | null = null
  #isLogLong = false
  #pageBytes = 0

  constructor(options: DiskRoomOptions) {
    this.#options = options
    this.look()
  }

  /** Why no publish is taken, as a sentence's part; null while there is room. */
  get shortage(): string | null {
    return this.#shortage
  }

  /** There is too little room, and part of it is taken by a log that should have been copied before. */
  get needsCheckpoint(): boolean {
    return this.#shortage !== null && this.#isLogLong
  }

  /** Looks at the volume at once. Cheap, but a call into the kernel: for a budget that runs out. */
  look(): void {
    this.#account(volumeOf(this.#options.dataDir), this.#options.meter.measure())
  }

  /** Looks at the volume beside the event loop, and then at the store, if that is still open. */
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
   * Takes room for an event. Returns why there is not enough, and then it must not be stored; else null. A large event
   * may be refused where smaller ones still fit.
   */
  take(body: string, queues: number): string | null {
    const bytes = Buffer.byteLength(body)
    const cost =
      COPIES *
      ((bytes < this.#pageBytes / 2 ? bytes * SPLIT_LOSS : this.#wholePages(bytes)) + queues * ROW_BYTES)
    if (cost > this.#budget) return this.#shortage ?? `the disk is nearly full: no room for ${bytes} bytes`
    this.#spend(cost)
    return null
  }

  /** The failure as it is stored: whole while there is room, and else without what is long in it. */
  fit(failure: FailureRecord): FailureRecord {
    const { error } = failure
    if (error === null) return failure
    this.#spend(COPIES * (error.message.length + (error.stack?.length ?? 0)))
    if (this.#budget > 0 && this.#shortage === null) return failure
    const { name, message } = error
    const short = { name: name.slice(0, SHORT_NAME_LENGTH), message: message.slice(0, SHORT_MESSAGE_LENGTH) }
    return { ...failure, error: short }
  }

  /** Gives the reserve back to the volume, for settlements. False if it is spent already. */
  spendReserve(): boolean {
    if (!this.#options.reserve.release()) return false
    this.#budget = 0
    this.#shortage ??= "the disk is full: what is stored is settled from the reserve"
    return true
  }

  /** A body larger than half a page shares none with another; the page of its row comes on top. */
  #wholePages(bytes: number): number {
    return (Math.ceil(bytes / this.#pageBytes) + 1) * this.#pageBytes
  }

  #spend(bytes: number): void {
    this.#budget -= bytes
    this.#taken += bytes
  }

  /** @param spent what publishes have taken since the volume was asked */
  #account({ totalBytes, freeBytes }: VolumeSpace, size: StoreSize, spent = 0): void {
    const { reserve, messageCount } = this.#options
    this.#pageBytes = size.pageBytes
    const margin = logBytesFor(totalBytes)
    const growth = Math.max(0, size.pages * size.pageBytes - size.fileBytes)
    this.#isLogLong = size.logBytes >= margin
    // A log that something reads, a backup say, can't begin anew, and grows beyond its length.
    const length = Math.max(margin, size.logBytes) + margin * (LOG_OVERRUN - 1)
    const log = Math.max(0, length - size.logFileBytes)
    // As much as the log grows to: when the disk fills, all of the log may still have to be written, or all of its pages
    // to be added to the database, or some of each.
    const missing = reserve.missing(margin)
    const unclaimed = freeBytes - growth - log - FILE_SYSTEM_BYTES
    // Free pages of the database take no room on the volume, but to write into them takes room in the log.
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
