import { SQLiteError } from "bun:sqlite"
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { takeFlock } from "../system/flock.ts"
import { ForeignFileError } from "./history-tables.ts"

/** Only the service's user may read and write a history, because it contains payloads. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Most processes that keep a history in one folder: several instances on one machine share a `DATA_DIR` with RabbitMQ. */
const MAX_FILES = 8

/** Most files that are set aside; then the last of them is replaced. */
const MAX_SET_ASIDE = 5

/** A history's file, which no other process uses while this object exists. */
export interface TakenFile extends Disposable {
  readonly file: string
}

/**
 * Takes the first history of a folder that no other process uses: `history.db`, `history-2.db`, up to 8. Returns null
 * if all are in use. Keep it until no thread uses the file: the lock belongs to the process.
 * @throws what the file system throws
 */
export function takeFile(dataDir: string): TakenFile | null {
  mkdirSync(dataDir, { recursive: true, mode: FOLDER_MODE })
  for (let number = 1; number <= MAX_FILES; number++) {
    const file = join(dataDir, number === 1 ? "history.db" : `history-${number}.db`)
    const descriptor = openSync(`${file}.lock`, "a", FILE_MODE)
    // Without the C library, SQLite's own locks have to do.
    if (takeFlock(descriptor, "exclusive") ?? true) {
      return { file, [Symbol.dispose]: () => closeSync(descriptor) }
    }
    closeSync(descriptor)
  }
  return null
}

/** Creates an empty, private file if there is none; SQLite creates its log with the same permissions. */
export function makePrivate(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, "a", FILE_MODE))
}

const codeOf = (error: unknown): string => (error instanceof SQLiteError ? (error.code ?? "") : "")

/** Returns whether SQLite says that the file is damaged. */
export const isDamage = (error: unknown): boolean => /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error))

/**
 * Returns whether it may help to open the file again: SQLite keeps what it found at the open, such as permissions that
 * have been corrected since.
 */
export const isOfConnection = (error: unknown): boolean =>
  /^SQLITE_(READONLY|CANTOPEN|IOERR|PERM|PROTOCOL)/.test(codeOf(error))

/** Returns whether a file that can't be opened is no history of this version, or damaged. */
export const isUnusable = (error: unknown): boolean =>
  // The statements are correct for a history, so an SQL error means that the file is not one.
  error instanceof ForeignFileError || isDamage(error) || codeOf(error) === "SQLITE_ERROR"

/**
 * Renames a file, so that a new one can be begun, and returns its new name. No connection may use it.
 * @throws what the file system throws
 */
export function setAside(file: string): string {
  let name = `${file}.set-aside`
  for (let number = 2; existsSync(name) && number <= MAX_SET_ASIDE; number++) {
    name = `${file}.set-aside-${number}`
  }
  for (const suffix of ["-wal", "-shm"]) {
    rmSync(name + suffix, { force: true })
    if (existsSync(file + suffix)) renameSync(file + suffix, name + suffix)
  }
  renameSync(file, name)
  return name
}
