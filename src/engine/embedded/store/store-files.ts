import { chmodSync, closeSync, mkdirSync, openSync, statSync } from "node:fs"
import { dirname, join } from "node:path"

/** Only the service's user may read and write the store, because it contains event payloads. */
export const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Permissions of the group and of others. */
const SHARED_BITS = 0o077

/**
 * Suffixes of the files that SQLite keeps next to a database. SQLite creates them with the permissions of the
 * database file.
 */
const COMPANIONS = ["-wal", "-shm"]

/** The file whose lock shows that a process uses the store. Its content is irrelevant. */
export const LOCK_FILE = "event-broker.lock"

/** The file with the number of the last synced turn. */
export const MARK_FILE = "event-broker.mark"

/** Space on the volume that no other program can use. */
export const RESERVE_FILE = "event-broker.reserve"

const OWN_FILES = [LOCK_FILE, MARK_FILE, RESERVE_FILE]

/** Creates the folder of a store if it is missing. An existing folder keeps its permissions. */
export function makeDataDir(dataDir: string): void {
  mkdirSync(dirname(dataDir), { recursive: true })
  mkdirSync(dataDir, { recursive: true, mode: FOLDER_MODE })
}

/**
 * Creates an empty, private file.
 * @throws if a file of this name exists
 */
export function makePrivateFile(file: string): void {
  closeSync(openSync(file, "wx", FILE_MODE))
}

/**
 * Makes the store's files private: creates a new database before SQLite opens it, and changes the permissions
 * of existing files. Opening and closing a file that SQLite has open would drop SQLite's locks on it.
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
    // The file belongs to another user, who shares it on purpose. SQLite reports an error if it can't be
    // written.
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) throw error
  }
}
