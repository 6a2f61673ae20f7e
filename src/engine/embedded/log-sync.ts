import { closeSync, fdatasync, fdatasyncSync, openSync } from "node:fs"

/**
 * How long a sync may wait for a thread, in milliseconds. Bun's thread pool is shared with the workers, whose
 * handlers can keep all of it busy for seconds: a name that does not resolve, a password that is hashed.
 */
const PATIENCE_MS = 10

/**
 * Brings SQLite's write-ahead log onto the disk beside the event loop, which goes on meanwhile. The log is one
 * file for as long as the database is open; SQLite itself syncs it before it begins anew from its start.
 */
export class LogSync {
  readonly #file: number

  constructor(databaseFile: string) {
    this.#file = openSync(`${databaseFile}-wal`, "r+")
  }

  /** Calls back, once and never at once, when all that was written before is on the disk, or the disk failed. */
  start(done: (error: Error | null) => void): void {
    let isDone = false
    const finish = (error: Error | null): void => {
      if (isDone) return
      isDone = true
      clearTimeout(impatience)
      done(error)
    }
    const impatience = setTimeout(() => finish(this.#tryNow()), PATIENCE_MS)
    fdatasync(this.#file, finish)
  }

  /** Returns when all that was written before is on the disk. */
  now(): void {
    fdatasyncSync(this.#file)
  }

  close(): void {
    closeSync(this.#file)
  }

  #tryNow(): Error | null {
    try {
      this.now()
      return null
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}

/** What the engine needs of the log that SQLite writes. */
export type Log = Pick<LogSync, "start" | "now" | "close">
