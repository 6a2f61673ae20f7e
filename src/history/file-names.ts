import { chmodSync, rmSync, statSync } from "node:fs"
import { basename } from "node:path"

/** The file, its log and the index of the log, as SQLite names them. */
const SUFFIXES = ["", "-wal", "-shm"] as const

/** Owner may write. */
const OWNER_WRITES = 0o200

/** Returns which file a name leads to; null if to none. */
function identityOf(name: string): string | null {
  const status = statSync(name, { throwIfNoEntry: false })
  return status === undefined ? null : `${status.dev}:${status.ino}`
}

/**
 * The names of an open SQLite file in WAL mode. A file that was deleted or replaced can still be written, although nobody
 * will ever read it.
 */
export class FileNames {
  readonly #file: string
  readonly #opened: readonly (string | null)[]

  /** @param file an open file */
  constructor(file: string) {
    this.#file = file
    this.#opened = SUFFIXES.map((suffix) => identityOf(file + suffix))
  }

  /** Returns the names that no longer lead to the files that were opened, without their folder. */
  lost(): readonly string[] {
    return SUFFIXES.filter((suffix, place) => identityOf(this.#file + suffix) !== this.#opened[place]).map(
      (suffix) => basename(this.#file) + suffix,
    )
  }

  /** False if the name of the file itself leads to another one now, or to none. */
  get isFileThere(): boolean {
    return identityOf(this.#file) === this.#opened[0]
  }

  /**
   * Deletes the log and its index if the file itself is lost: SQLite would take them for those of the next one. Call it
   * once the file is closed.
   */
  removeOrphans(): void {
    if (this.isFileThere) return
    for (const [place, suffix] of SUFFIXES.entries()) {
      const name = this.#file + suffix
      if (suffix !== "" && identityOf(name) === this.#opened[place]) rmSync(name, { force: true })
    }
  }
}

/**
 * Makes the log and its index as writable as the file. SQLite creates them with the permissions that the file has then, and
 * they keep those if the file's are changed back.
 * @throws what the file system throws
 */
export function alignPermissions(file: string): void {
  const { mode } = statSync(file)
  if ((mode & OWNER_WRITES) === 0) return
  for (const suffix of SUFFIXES) {
    const status = statSync(file + suffix, { throwIfNoEntry: false })
    if (status !== undefined && (status.mode & OWNER_WRITES) === 0) chmodSync(file + suffix, mode)
  }
}
