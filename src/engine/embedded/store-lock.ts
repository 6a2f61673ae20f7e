import { dlopen } from "bun:ffi"
import { closeSync, openSync } from "node:fs"
import { join } from "node:path"
import { EngineStartError } from "../errors.ts"
import { FILE_MODE, LOCK_FILE } from "./store-files.ts"

/** Source: flock(2), the same values on Linux and macOS. */
const LOCK_EX = 2
const LOCK_NB = 4

/** The C library, by the names that glibc, musl and macOS give it. */
const C_LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libSystem.B.dylib"]

/**
 * The right of this process to the store of a folder, held until it is disposed of or the process ends.
 *
 * SQLite's own locks are POSIX locks: the process loses them when any code in it, a handler that copies the store say,
 * closes any descriptor of the locked file. A `flock` belongs to the descriptor that took it, so nothing else in the
 * process can drop it. Source: fcntl(2), "Advisory record locking"; flock(2).
 */
export class StoreLock implements Disposable {
  readonly #descriptor: number

  /** @throws {EngineStartError} if another process, or another engine of this one, has the store. */
  constructor(dataDir: string) {
    const file = join(dataDir, LOCK_FILE)
    try {
      this.#descriptor = openSync(file, "a", FILE_MODE)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new EngineStartError(`DATA_DIR ${dataDir} can't be locked: ${reason}`, { cause })
    }
    if (flock(this.#descriptor, LOCK_EX | LOCK_NB) === 0) return
    closeSync(this.#descriptor)
    throw new EngineStartError(
      `DATA_DIR ${dataDir} is in use by another process: stop that one, or give this one its own DATA_DIR`,
    )
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor)
  }
}

/** Node.js and Bun have no call for it. Returns 0 if the lock was taken. */
function flock(descriptor: number, operation: number): number {
  for (const library of C_LIBRARIES) {
    let symbols: { readonly flock: (descriptor: number, operation: number) => number }
    try {
      symbols = dlopen(library, { flock: { args: ["i32", "i32"], returns: "i32" } }).symbols
    } catch {
      // This system names its C library otherwise; the next name is tried.
      continue
    }
    return symbols.flock(descriptor, operation)
  }
  throw new EngineStartError("DATA_DIR can't be locked: this system's C library was not found")
}
