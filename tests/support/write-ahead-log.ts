import { closeSync, openSync, readFileSync, readSync } from "node:fs"
import { join } from "node:path"
import { DATABASE_FILE } from "../../src/engine/embedded/store/database.ts"

// Source: sqlite.org/fileformat2.html, section 4.1, "WAL File Format".
const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
const SALT_BYTES = 8

/**
 * Returns the number of commits in the write-ahead log of an open store since SQLite last restarted the log.
 */
export function commitsInLog(dataDir: string): number {
  const log = readFileSync(join(dataDir, `${DATABASE_FILE}-wal`))
  if (log.length < HEADER_BYTES) return 0
  const frameBytes = FRAME_HEADER_BYTES + log.readUInt32BE(8)
  const salt = log.subarray(16, 16 + SALT_BYTES)
  let commits = 0
  for (let at = HEADER_BYTES; at + frameBytes <= log.length; at += frameBytes) {
    const isOfThisLog = log.subarray(at + 8, at + 8 + SALT_BYTES).equals(salt)
    // The last frame of a transaction has the database size after it; other frames have 0.
    if (isOfThisLog && log.readUInt32BE(at + 4) !== 0) commits++
  }
  return commits
}

/** Returns whether the write-ahead log on the disk has a header; without one, SQLite ignores the log. */
export function hasLogHeader(dataDir: string): boolean {
  const file = openSync(join(dataDir, `${DATABASE_FILE}-wal`), "r")
  const header = Buffer.alloc(HEADER_BYTES)
  readSync(file, header)
  closeSync(file)
  return header.some((byte) => byte !== 0)
}
