import { statfsSync } from "node:fs"
import { statfs } from "node:fs/promises"

const MEBIBYTE = 1_048_576

/** Space on a folder's volume, in bytes. */
export interface VolumeSpace {
  readonly totalBytes: number
  /** Bytes that this user may still write; some file systems reserve a share for root. */
  readonly freeBytes: number
}

/**
 * Length of the write-ahead log on a large volume before its pages are copied into the database, in bytes. A
 * page that changes often, such as the end of a queue, is then copied once for many commits.
 */
const MAX_LOG_BYTES = 16 * MEBIBYTE

/** Share of a small volume that the log may use. Three such shares are reserved for settling. */
const LOG_SHARE = 1 / 16

/** With a shorter log, a checkpoint would run after every few commits. */
const MIN_LOG_BYTES = MEBIBYTE / 4

/**
 * The log can reach this multiple of its nominal length before a checkpoint begins: a turn that begins just
 * below that length makes it longer, and so do the turns until an incomplete checkpoint is retried.
 */
export const LOG_OVERRUN = 1.5

/** Returns how long the write-ahead log may grow before a checkpoint, in bytes, on a volume of this size. */
export const logBytesFor = (totalBytes: number): number =>
  Math.min(MAX_LOG_BYTES, Math.max(MIN_LOG_BYTES, Math.floor(totalBytes * LOG_SHARE)))

/** Asks the kernel, which keeps these counts in memory. */
export function volumeOf(folder: string): VolumeSpace {
  return spaceOf(statfsSync(folder))
}

/** Like `volumeOf`, without blocking the event loop: a network file system can be slow. */
export async function askVolume(folder: string): Promise<VolumeSpace> {
  return spaceOf(await statfs(folder))
}

/** Formats bytes for operators. */
export const inMebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`

type Counts = { readonly bsize: number; readonly blocks: number; readonly bavail: number }

/** Some user-space file systems report no blocks. */
const UNTOLD: VolumeSpace = { totalBytes: Number.POSITIVE_INFINITY, freeBytes: Number.POSITIVE_INFINITY }

const spaceOf = ({ bsize, blocks, bavail }: Counts): VolumeSpace =>
  blocks === 0 ? UNTOLD : { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
