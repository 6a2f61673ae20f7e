import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs"

/** Unit that a disk writes completely or not at all, in bytes. */
const SECTOR_BYTES = 512

/**
 * Writes some of the sectors that were changed in memory, chosen by `chance`, to the file on the disk: a disk
 * that loses power may have written any of them, in any order. Returns how many it wrote.
 */
export function tear(inMemory: string, onDisk: string, chance: () => boolean): number {
  const from = openSync(inMemory, "r")
  const to = openSync(onDisk, "r+")
  try {
    const { size } = fstatSync(from)
    const changed = Buffer.alloc(SECTOR_BYTES)
    const old = Buffer.alloc(SECTOR_BYTES)
    let torn = 0
    for (let at = 0; at < size; at += SECTOR_BYTES) {
      const bytes = readSync(from, changed, 0, SECTOR_BYTES, at)
      const there = readSync(to, old, 0, SECTOR_BYTES, at)
      if (there === bytes && changed.subarray(0, bytes).equals(old.subarray(0, there))) continue
      if (!chance()) continue
      writeSync(to, changed, 0, bytes, at)
      torn++
    }
    return torn
  } finally {
    closeSync(from)
    closeSync(to)
  }
}
