import { statfsSync } from "node:fs"
import { statfs } from "node:fs/promises"

const MEBIBYTE = 1_048_576

/** A folder's volume, in bytes. */
export interface VolumeSpace {
  readonly totalBytes: number
  /** What this user may still write; some file systems keep a share for root. */
  readonly freeBytes: number
}

/**
 * Write-ahead log on a large volume before its pages are copied into the database, in bytes. A page that changes
 * often, such as a queue's tail, is then copied once for many commits.
 */
const MAX_LOG_BYTES = 16 * MEBIBYTE

/** The share of a small volume that the log may take. Three such shares are kept for settling. */
const LOG_SHARE = 1 / 16

/** Below this the log would be copied after every few commits. */
const MIN_LOG_BYTES = MEBIBYTE / 4

/**
 * The log becomes this many times as long as it may be before a checkpoint begins: a turn that begins just below that
 * length makes it longer, and so do the turns until a checkpoint that was not whole is tried again.
 */
export const LOG_OVERRUN = 1.5

/** How far the write-ahead log may grow before a checkpoint, in bytes, on a volume of this size. */
export const logBytesFor = (totalBytes: number): number =>
  Math.min(MAX_LOG_BYTES, Math.max(MIN_LOG_BYTES, Math.floor(totalBytes * LOG_SHARE)))

/** Asks the kernel, which keeps these counts in memory. */
export function volumeOf(folder: string): VolumeSpace {
  return spaceOf(statfsSync(folder))
}

/** The same beside the event loop: a network file system may take its time. */
export async function askVolume(folder: string): Promise<VolumeSpace> {
  return spaceOf(await statfs(folder))
}

/** Bytes as an operator reads them. */
export const inMebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`

type Counts = { readonly bsize: number; readonly blocks: number; readonly bavail: number }

/** Some file systems in user space tell nothing, and count no blocks. */
const UNTOLD: VolumeSpace = { totalBytes: Number.POSITIVE_INFINITY, freeBytes: Number.POSITIVE_INFINITY }

const spaceOf = ({ bsize, blocks, bavail }: Counts): VolumeSpace =>
  blocks === 0 ? UNTOLD : { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
