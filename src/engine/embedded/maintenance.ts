/** What an operator does to the files of a store from a process of its own, beside the service or in its place. */
import { constants, Database, SQLiteError } from "bun:sqlite"
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { EngineStartError } from "../errors.ts"
import { CAN_SHRINK, DATABASE_FILE, type OpenStore, openStore } from "./database.ts"
import { isLockedByAnother } from "./file-locks.ts"
import { makePrivateFile } from "./store-files.ts"
import { isStoreTaken } from "./store-lock.ts"
import { StoreMeter, type StoreSize } from "./store-size.ts"
import { isDiskFull, reasonOf } from "./turn-failure.ts"
import { inMebibytes, volumeOf } from "./volume.ts"

export type StoreErrorCode =
  /** There is no store in the folder. */
  | "no-store"
  /** A service has the store, or something reads it. */
  | "in-use"
  /** A service has the store, and has lost the locks without which it can't be read. */
  | "unlocked"
  /** The volume has too little room. */
  | "no-room"
  /** The file for the copy is there already. */
  | "target-exists"
  /** The folder for the copy does not exist. */
  | "no-folder"
  /** The store, or the file for the copy, can't be read or written. */
  | "failed"

/** The store is as it was. The message is one sentence for the operator. */
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
  /** Events that wait, are delayed, were delivered and not settled, or are dead letters. */
  readonly events: number
  readonly queues: number
}

/** Room that the copy may need beyond what the store holds, in bytes: the volume's own blocks and folders. */
const SLACK_BYTES = 1_048_576

/** The copy that takes the place of the store. One that is found was left by a compaction that was cut short. */
const COMPACT_SUFFIX = ".compact"

/** The copy of a backup until it is whole. */
const PARTIAL_SUFFIX = ".partial"

/**
 * The byte of SQLite's index of the log that each process locks as long as it has the store open. Whoever finds it without
 * a lock takes the index for that of a process that died, and makes it empty.
 * Source: SQLite, os_unix.c, `UNIX_SHM_DMS`.
 */
const INDEX_LOCK_BYTE = 128

/**
 * Writes the store anew without its free pages, in the format that gives them back by itself. No service may have it.
 * The new file takes the old one's place once it is on the disk: killed in the middle, the old one is there as it was.
 * @throws {StoreError}
 */
export function compactStore(dataDir: string): Compaction {
  const file = requireStore(dataDir)
  // Held to the end: a service that opens the store from then on finds the new file.
  using store = openAlone(dataDir)
  const { database } = store
  const compact = file + COMPACT_SUFFIX
  try {
    const { pages, freePages, pageBytes } = measure(database)
    removeCopy(compact)
    requireRoom(dirname(file), (pages - freePages) * pageBytes)
    // The log goes into the database and is deleted: beside another database it would be taken for its own.
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
 * Copies a store as it is at one moment, whether a service has it or not. The copy is on the disk when this returns.
 * @param target a file that is not there, or a folder, for the name that a store has in its `DATA_DIR`
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
      `there is no folder ${folder} for the copy: make it first, or give another one`,
    )
  }
  try {
    requireLocks(dataDir)
    using database = new Database(source, { readonly: true })
    // The last connection that is closed deletes the log; this one leaves it to the service.
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

/** Opens a store that no other process may have meanwhile: the one place that keeps a service out. */
function openAlone(dataDir: string): OpenStore {
  try {
    return openStore(dataDir)
  } catch (cause) {
    if (!isStoreTaken(dataDir)) throw explain(cause, dataDir)
    const message = `a service has the store in DATA_DIR ${resolve(dataDir)}: stop it first`
    throw new StoreError("in-use", message, { cause })
  }
}

/**
 * A handler that opens and closes the store's files drops the locks of its process. To read the store then would end the
 * service: SQLite would empty the index of the log under it.
 */
function requireLocks(dataDir: string): void {
  if (isLockedByAnother(`${join(dataDir, DATABASE_FILE)}-shm`, INDEX_LOCK_BYTE)) return
  if (!isStoreTaken(dataDir)) return
  throw new StoreError(
    "unlocked",
    `the store in DATA_DIR ${resolve(dataDir)} can't be copied while its service runs, because it is not locked: ` +
      "stop the service first, or restart it and let no handler open the store's files",
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

/** Writes what the store holds into a new, private file, and waits for the disk. */
function copyInto(database: Database, file: string): void {
  makePrivateFile(file)
  database.prepare("VACUUM INTO ?").run(file)
  sync(file)
}

/** Removes what is left of a copy, if anything. */
function removeCopy(file: string): void {
  for (const each of [file, `${file}-journal`]) rmSync(each, { force: true })
}

function requireRoom(folder: string, bytes: number): void {
  const { freeBytes } = volumeOf(folder)
  const needed = bytes + SLACK_BYTES
  if (freeBytes >= needed) return
  throw new StoreError(
    "no-room",
    `compacting needs ${inMebibytes(needed)} free beside the store, and there are ${inMebibytes(freeBytes)}: ` +
      "make room, or take a backup to another volume, which is compact, and put it in the store's place",
  )
}

function count(file: string): Pick<Backup, "events" | "queues"> {
  using copy = new Database(file, { readonly: true })
  const counts = copy
    .query<Pick<Backup, "events" | "queues">, []>(
      "SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM queues) AS queues",
    )
    .get()
  return counts ?? { events: 0, queues: 0 }
}

/** Gives the copy its name, unless something else took that meanwhile. */
function place(partial: string, file: string): void {
  try {
    linkSync(partial, file)
  } catch (error) {
    if (existsSync(file)) throw targetExists(file)
    const code = error instanceof Error && "code" in error ? error.code : ""
    // A file system without hard links, such as FAT's.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw error
    renameSync(partial, file)
  }
}

/** Waits until a file, or what a folder lists, is on the disk. */
function sync(path: string): void {
  const descriptor = openSync(path, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const targetExists = (file: string): StoreError =>
  new StoreError("target-exists", `${file} already exists: give another name or folder`)

function explain(cause: unknown, dataDir: string): StoreError {
  if (cause instanceof StoreError) return cause
  const sqlite = cause instanceof EngineStartError ? cause.cause : cause
  if (sqlite instanceof SQLiteError && sqlite.code?.startsWith("SQLITE_BUSY")) {
    const message = `something reads the store in DATA_DIR ${resolve(dataDir)}, a backup perhaps: wait until it has ended`
    return new StoreError("in-use", message, { cause })
  }
  if (isDiskFull(cause)) return new StoreError("no-room", "the disk is full; nothing was changed", { cause })
  return new StoreError("failed", reasonOf(cause), { cause })
}
