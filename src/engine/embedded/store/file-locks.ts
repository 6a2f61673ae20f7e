import { closeSync, openSync } from "node:fs"
import { fromCLibrary } from "../../../system/c-library.ts"
import { type LockKind, takeFlock } from "../../../system/flock.ts"
import { EngineStartError } from "../../errors.ts"

/**
 * Takes a `flock` on an open file without waiting. The lock belongs to the descriptor and ends with it.
 * @returns whether it was taken
 * @throws {EngineStartError} if this system's C library was not found
 */
export function tryFlock(descriptor: number, kind: LockKind): boolean {
  const isTaken = takeFlock(descriptor, kind)
  if (isTaken === null)
    throw new EngineStartError("DATA_DIR can't be locked: the C library of this system was not found")
  return isTaken
}

/** Source: fcntl(2), and the layout of `struct flock` on 64-bit Linux. */
const F_GETLK = 5
const F_WRLCK = 1
const F_UNLCK = 2
const FLOCK_BYTES = 32
const TYPE_AT = 0
const START_AT = 8
const LENGTH_AT = 16

/**
 * Returns whether another process holds a POSIX lock on a byte of a file. Also false if that is unknown, as
 * on other systems than Linux.
 */
export function isLockedByAnother(file: string, byte: number): boolean {
  if (process.platform !== "linux") return false
  const libc = fromCLibrary({ fcntl: { args: ["i32", "i32", "ptr"], returns: "i32" } })
  if (libc === null) return false
  let descriptor: number
  try {
    descriptor = openSync(file, "r")
  } catch {
    // No process can be identified that locks a file which can't be opened.
    return false
  }
  try {
    const bytes = new Uint8Array(FLOCK_BYTES)
    const query = new DataView(bytes.buffer)
    query.setInt16(TYPE_AT, F_WRLCK, true)
    query.setBigInt64(START_AT, BigInt(byte), true)
    query.setBigInt64(LENGTH_AT, 1n, true)
    return libc.fcntl(descriptor, F_GETLK, bytes) === 0 && query.getInt16(TYPE_AT, true) !== F_UNLCK
  } finally {
    closeSync(descriptor)
  }
}
