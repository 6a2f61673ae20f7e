import { statfsSync } from "node:fs"
import { statfs } from "node:fs/promises"

/** Space on a folder's volume, in bytes. */
export interface VolumeSpace {
  readonly totalBytes: number
  /** Bytes that this user may still write; some file systems reserve a share for root. */
  readonly freeBytes: number
}

/** Asks the kernel, which keeps these counts in memory. */
export function volumeOf(folder: string): VolumeSpace {
  return spaceOf(statfsSync(folder))
}

/** Like `volumeOf`, without blocking the event loop: a network file system can be slow. */
export async function askVolume(folder: string): Promise<VolumeSpace> {
  return spaceOf(await statfs(folder))
}

type Counts = { readonly bsize: number; readonly blocks: number; readonly bavail: number }

/** Some user-space file systems report no blocks. */
const UNTOLD: VolumeSpace = { totalBytes: Number.POSITIVE_INFINITY, freeBytes: Number.POSITIVE_INFINITY }

const spaceOf = ({ bsize, blocks, bavail }: Counts): VolumeSpace =>
  blocks === 0 ? UNTOLD : { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
