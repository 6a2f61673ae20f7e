/**
 * Errors of operations on the files of a store, run by a separate process while the service runs or is
 * stopped.
 */
import { constants, Database, SQLiteError } from "bun:sqlite"
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { reasonOf } from "../../../system/reason-of.ts"
import { volumeOf } from "../../../system/volume.ts"
import { EngineStartError } from "../../errors.ts"
import { CAN_SHRINK, DATABASE_FILE, type OpenStore, openStore } from "./database.ts"
import { isDiskFull } from "./disk-full.ts"
import { isLockedByAnother } from "./file-locks.ts"
import { COUNT_EVENTS } from "./left-events.ts"
import { inMebibytes } from "./log-bytes.ts"
import { makePrivateFile } from "./store-files.ts"
import { isStoreTaken } from "./store-lock.ts"
import { StoreMeter, type StoreSize } from "./store-size.ts"

export type StoreErrorCode =
  /** There is no store in the folder. */
  | "no-store"
  /** A service uses the store, or something reads it. */
  | "in-use"
  /** A service uses the store but has lost the locks that make reading it safe. */
  | "unlocked"
  /** The volume has too little free space. */
  | "no-room"
  /** The file for the copy already exists. */
  | "target-exists"
  /** The folder for the copy does not exist. */
  | "no-folder"
  /** The store, or the file for the copy, can't be read or written. */
  | "failed"

/** The operation failed and the store is unchanged. The message is one sentence for the operator. */
export class StoreError extends Error {
  override readonly name = "StoreError"
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface Compaction {
  readonly bytesBefore: number
  readonly bytesAfter: number
}

export interface Backup {
  readonly file: string
  readonly bytes: number
  /** Events that are waiting, delayed, delivered but not settled, or dead letters. */
  readonly events: number
  readonly queues: number
}

/** Bytes that the copy may need beyond the content of the store: blocks and folders of the volume. */
const SLACK_BYTES = 1_048_576

/** Suffix of the copy that replaces the store. An existing one was left by an interrupted compaction. */
const COMPACT_SUFFIX = ".compact"

/** Suffix of a backup until it is complete. */
const PARTIAL_SUFFIX = ".partial"

/**
 * The byte of SQLite's log index that each process locks while it has the store open. A process that finds it
 * unlocked assumes that the index was left by a dead process, and empties it.
 * Source: SQLite, os_unix.c, `UNIX_SHM_DMS`.
 */
const INDEX_LOCK_BYTE = 128

/**
 * Rewrites the store without its free pages, in the format that returns free pages by itself. No service may
 * use the store. The new file replaces the old one after it is on the disk, so an interruption leaves the old
 * one unchanged.
 * @throws {StoreError}
 */
export function compactStore(dataDir: string): Compaction {
  const file = requireStore(dataDir)
  // Held to the end: a service that opens the store afterwards finds the new file.
  using store = openAlone(dataDir)
  const { database } = store
  const compact = file + COMPACT_SUFFIX
  try {
    const { pages, freePages, pageBytes } = measure(database)
    removeCopy(compact)
    requireRoom(dirname(file), (pages - freePages) * pageBytes)
    // Merges the log into the database and deletes it, because SQLite would apply it to the new database.
    database.run("PRAGMA synchronous = FULL")
    database.run("PRAGMA locking_mode = EXCLUSIVE")
    database.run("PRAGMA journal_mode = DELETE")
    database.run(CAN_SHRINK)
    const bytesBefore = statSync(file).size
    copyInto(database, compact)
    renameSync(compact, file)
    sync(dirname(file))
    return { bytesBefore, bytesAfter: statSync(file).size }
  } catch (cause) {
    removeCopy(compact)
    throw explain(cause, dataDir)
  }
}

/**
 * Copies a store as of one moment, whether a service uses it or not. The copy is on the disk when this
 * returns.
 * @param target a file that does not exist yet, or a folder: the copy then gets the name that a store has
 * in its `DATA_DIR`
 * @throws {StoreError} and leaves no copy
 */
export function backupStore(dataDir: string, target: string): Backup {
  const source = requireStore(dataDir)
  const file = fileFor(target)
  const partial = `${file}${PARTIAL_SUFFIX}-${process.pid}`
  if (existsSync(file)) throw targetExists(file)
  const folder = resolve(dirname(file))
  if (!existsSync(folder)) {
    throw new StoreError(
      "no-folder",
      `the folder ${folder} for the copy does not exist: create it, or choose another one`,
    )
  }
  try {
    requireLocks(dataDir)
    using database = new Database(source, { readonly: true })
    // The last connection that closes deletes the log; this setting leaves it to the service.
    database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1)
    copyInto(database, partial)
    const counts = count(partial)
    place(partial, file)
    sync(dirname(file))
    return { file, bytes: statSync(file).size, ...counts }
  } catch (cause) {
    throw explain(cause, dataDir)
  } finally {
    removeCopy(partial)
  }
}

export { inMebibytes }

/** Opens a store exclusively. Keeps services out while it is open. */
function openAlone(dataDir: string): OpenStore {
  try {
    return openStore(dataDir)
  } catch (cause) {
    if (!isStoreTaken(dataDir)) throw explain(cause, dataDir)
    const message = `a service uses the store in DATA_DIR ${resolve(dataDir)}: stop it first`
    throw new StoreError("in-use", message, { cause })
  }
}

/**
 * A handler that opens and closes the store's files drops the locks of its process. Reading the store then
 * would break the service: SQLite would empty the log's index while the service uses it.
 */
function requireLocks(dataDir: string): void {
  if (isLockedByAnother(`${join(dataDir, DATABASE_FILE)}-shm`, INDEX_LOCK_BYTE)) return
  if (!isStoreTaken(dataDir)) return
  throw new StoreError(
    "unlocked",
    `the store in DATA_DIR ${resolve(dataDir)} can't be copied while its service runs, because the store is not locked: ` +
      "stop the service first, or restart it and keep handlers from opening the store's files",
  )
}

function measure(database: Database): StoreSize {
  const meter = new StoreMeter(database)
  try {
    return meter.measure()
  } finally {
    meter.close()
  }
}

function requireStore(dataDir: string): string {
  const file = join(dataDir, DATABASE_FILE)
  if (existsSync(file)) return file
  throw new StoreError("no-store", `there is no store in DATA_DIR ${resolve(dataDir)}`)
}

function fileFor(target: string): string {
  const stats = statSync(target, { throwIfNoEntry: false })
  return stats?.isDirectory() ? join(target, DATABASE_FILE) : target
}

/** Writes the content of the store to a new, private file, and waits for the disk. */
function copyInto(database: Database, file: string): void {
  makePrivateFile(file)
  database.prepare("VACUUM INTO ?").run(file)
  sync(file)
}

/** Removes the remains of a copy, if any. */
function removeCopy(file: string): void {
  for (const each of [file, `${file}-journal`]) rmSync(each, { force: true })
}

function requireRoom(folder: string, bytes: number): void {
  const { freeBytes } = volumeOf(folder)
  const needed = bytes + SLACK_BYTES
  if (freeBytes >= needed) return
  throw new StoreError(
    "no-room",
    `compacting needs ${inMebibytes(needed)} of free space next to the store, but only ${inMebibytes(freeBytes)} are free: ` +
      "free some space, or make a backup on another volume, which is compact, and replace the store with it",
  )
}

function count(file: string): Pick<Backup, "events" | "queues"> {
  using copy = new Database(file, { readonly: true })
  const counts = copy
    .query<Pick<Backup, "events" | "queues">, []>(
      `SELECT (${COUNT_EVENTS}) AS events, (SELECT count(*) FROM queues) AS queues`,
    )
    .get()
  return counts ?? { events: 0, queues: 0 }
}

/** Gives the copy its final name, unless something else took that name meanwhile. */
function place(partial: string, file: string): void {
  try {
    linkSync(partial, file)
  } catch (error) {
    if (existsSync(file)) throw targetExists(file)
    const code = error instanceof Error && "code" in error ? error.code : ""
    // A file system without hard links, for example FAT.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw error
    renameSync(partial, file)
  }
}

/** Waits until a file, or the entries of a folder, are on the disk. */
function sync(path: string): void {
  const descriptor = openSync(path, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const targetExists = (file: string): StoreError =>
  new StoreError("target-exists", `${file} already exists: choose another name or folder`)

function explain(cause: unknown, dataDir: string): StoreError {
  if (cause instanceof StoreError) return cause
  const sqlite = cause instanceof EngineStartError ? cause.cause : cause
  if (sqlite instanceof SQLiteError && sqlite.code?.startsWith("SQLITE_BUSY")) {
    const message = `something reads the store in DATA_DIR ${resolve(dataDir)}, for example a backup: wait until it ends`
    return new StoreError("in-use", message, { cause })
  }
  if (isDiskFull(cause)) return new StoreError("no-room", "the disk is full; nothing was changed", { cause })
  return new StoreError("failed", reasonOf(cause), { cause })
}
