import { chmodSync, closeSync, mkdirSync, openSync, statSync } from "node:fs"
import { dirname, join } from "node:path"

/** Only the user of the service reads and writes the store: it holds what the events say. */
export const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Any of the group's or the others' permissions. */
const SHARED_BITS = 0o077

/** What SQLite keeps beside a database. It makes these files with the permissions of the database's. */
const COMPANIONS = ["-wal", "-shm"]

/** The file whose lock says that a process has the store. Its content means nothing. */
export const LOCK_FILE = "event-broker.lock"

/** The file that says which turn of the store was synced last. */
export const MARK_FILE = "event-broker.mark"

/** Room on the volume that no other program can take. */
export const RESERVE_FILE = "event-broker.reserve"

const OWN_FILES = [LOCK_FILE, MARK_FILE, RESERVE_FILE]

/** Makes the folder of a store if it is missing. One that is there keeps its permissions. */
export function makeDataDir(dataDir: string): void {
  mkdirSync(dirname(dataDir), { recursive: true })
  mkdirSync(dataDir, { recursive: true, mode: FOLDER_MODE })
}

/**
 * Makes an empty, private file.
 * @throws where one of this name is there
 */
export function makePrivateFile(file: string): void {
  closeSync(openSync(file, "wx", FILE_MODE))
}

/**
 * Makes the store's files private: a new database before SQLite opens it, those that are there by their permissions alone.
 * An open file must not be opened and closed beside SQLite, which would lose its locks on it.
 * Source: sqlite.org/howtocorrupt.html, section 2.2.
 */
export function makePrivate(databaseFile: string): void {
  if (statSync(databaseFile, { throwIfNoEntry: false }) === undefined) makePrivateFile(databaseFile)
  const companions = COMPANIONS.map((suffix) => databaseFile + suffix)
  const others = OWN_FILES.map((name) => join(dirname(databaseFile), name))
  for (const file of [databaseFile, ...companions, ...others]) {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats?.isFile() && (stats.mode & SHARED_BITS) !== 0) tighten(file, stats.mode)
  }
}

function tighten(file: string, mode: number): void {
  try {
    chmodSync(file, mode & ~SHARED_BITS)
  } catch (error) {
    // The file is another user's, who shares it on purpose; SQLite finds out if it can't be written.
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) throw error
  }
}
