import { closeSync, existsSync, openSync } from "node:fs"
import { join } from "node:path"
import { EngineStartError } from "../../errors.ts"
import { dataDirError } from "./data-dir-error.ts"
import { tryFlock } from "./file-locks.ts"
import { FILE_MODE, LOCK_FILE } from "./store-files.ts"

/**
 * Exclusive use of a folder's store by this process, until it is disposed of or the process ends.
 *
 * SQLite's own locks are POSIX locks: the process loses them when any of its code, for example a handler that
 * copies the store, closes any descriptor of the locked file. A `flock` belongs to the descriptor that took
 * it, so nothing else in the process can drop it. Source: fcntl(2), "Advisory record locking"; flock(2).
 */
export class StoreLock implements Disposable {
  readonly #descriptor: number

  /** @throws {EngineStartError} if another process, or another engine of this one, uses the store. */
  constructor(dataDir: string) {
    const file = join(dataDir, LOCK_FILE)
    try {
      this.#descriptor = openSync(file, "a", FILE_MODE)
    } catch (cause) {
      throw dataDirError(dataDir, "can't be locked", cause)
    }
    if (tryFlock(this.#descriptor, "exclusive")) return
    closeSync(this.#descriptor)
    throw new EngineStartError(
      `DATA_DIR ${dataDir} is in use by another process: stop that process, or set another DATA_DIR`,
    )
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor)
  }
}

/** Returns whether a process uses the store of a folder now. */
export function isStoreTaken(dataDir: string): boolean {
  const file = join(dataDir, LOCK_FILE)
  if (!existsSync(file)) return false
  const descriptor = openSync(file, "r")
  try {
    return !tryFlock(descriptor, "shared")
  } finally {
    closeSync(descriptor)
  }
}
