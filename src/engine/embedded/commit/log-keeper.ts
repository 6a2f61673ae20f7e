import { Database, SQLiteError } from "bun:sqlite"
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs"
import { dirname } from "node:path"
import { isDiskFull } from "../store/disk-full.ts"
import { StoreMark } from "../store/store-mark.ts"
import { type SyncRequest, THEN_CHECKPOINT, THEN_TAKE_OVER } from "./sync-request.ts"

/**
 * Answers of the thread. It answers each request with `synced`, and with one more if the request has a
 * follow-up.
 */
export type SyncAnswer =
  | { readonly kind: "synced" }
  /** The database may be written again. Not whole if something still reads the log or the disk is full. */
  | { readonly kind: "checkpointed"; readonly isWhole: boolean }
  /** The thread has a connection, so the engine may close its own. */
  | { readonly kind: "took-over" }
  | { readonly kind: "closed" }
  /** The last writes may not be on the disk. This is the thread's last answer. */
  | { readonly kind: "failed"; readonly reason: string }

/** The thread's view of the store. */
export interface KeptStore {
  readonly databaseFile: string
  readonly storeId: string
}

/** Interval at which the thread checks the store's files while nothing is written, in milliseconds. */
const LOOK_INTERVAL_MS = 500

/**
 * How long a checkpoint waits for readers of the log, in milliseconds: the history's thread reads for a moment, and a
 * backup for longer than anything could wait. Nothing is written meanwhile.
 */
const CHECKPOINT_PATIENCE_MS = 20

/** Source: sqlite.org/fileformat2.html, section 4.1, "WAL File Format". */
const LOG_HEADER_BYTES = 32

/**
 * Brings the store onto the disk, on a dedicated thread. Only this thread syncs: the engine's connection has
 * `synchronous=OFF`. With one thread, one descriptor and one sync at a time, each disk error has exactly one
 * observer: Linux reports a failed write once per descriptor, and two concurrent syncs could each consume the
 * other's error.
 * Source: Linux, Documentation/core-api/errseq.rst; wiki.postgresql.org/wiki/Fsync_Errors.
 */
export class LogKeeper {
  readonly #databaseFile: string
  readonly #logFile: string
  readonly #log: number
  readonly #identities: readonly string[]
  readonly #mark: StoreMark
  /** The header of a fully copied log that has not been restarted yet. */
  #retiredHeader: Buffer | null = null

  /** Opens the log, and makes the names of the store's files durable. */
  constructor({ databaseFile, storeId }: KeptStore) {
    this.#databaseFile = databaseFile
    this.#logFile = `${databaseFile}-wal`
    this.#log = openSync(this.#logFile, "r+")
    this.#identities = this.#files.map(identityOf)
    const dataDir = dirname(databaseFile)
    this.#mark = new StoreMark(dataDir, storeId)
    // A synced file is still lost if its folder entry is not synced. Source: fsync(2).
    const folder = openSync(dataDir, "r")
    fsyncSync(folder)
    closeSync(folder)
  }

  /** Serves requests until the store is closed. @throws if the disk fails or the files are gone. */
  serve(request: SyncRequest, answer: (answer: SyncAnswer) => void): void {
    let served = 0
    for (;;) {
      if (!request.waitForOther(served, LOOK_INTERVAL_MS)) {
        this.#requireFiles()
        continue
      }
      // Read before the answer, because the engine may send its next request right after it.
      const { turn, followUp } = request
      served = request.number
      this.#sync()
      answer({ kind: "synced" })
      // The engine continues meanwhile.
      this.#mark.set(turn)
      this.#requireFiles()
      if (followUp === THEN_CHECKPOINT) answer({ kind: "checkpointed", isWhole: this.#checkpoint() })
      if (followUp !== THEN_TAKE_OVER) continue
      const connection = this.#connect()
      answer({ kind: "took-over" })
      request.waitForOther(served, Number.POSITIVE_INFINITY)
      // The last connection copies the log into the database, syncs the database, and deletes the log.
      connection.close(true)
      closeSync(this.#log)
      this.#mark[Symbol.dispose]()
      answer({ kind: "closed" })
      return
    }
  }

  #sync(): void {
    this.#keepLogValid()
    fdatasyncSync(this.#log)
    // A deleted file can still be written and synced, but its content is lost.
    if (fstatSync(this.#log).nlink === 0) throw lost(this.#logFile)
  }

  /**
   * Copies the log into the database. Returns false if not all of it was copied, or something still reads it.
   */
  #checkpoint(): boolean {
    let result: CheckpointResult | null
    try {
      using connection = this.#connect()
      using statement = connection.prepare<CheckpointResult, []>("PRAGMA wal_checkpoint(RESTART)")
      result = statement.get()
    } catch (error) {
      // The log is unchanged and still holds everything.
      if (isPassing(error)) return false
      throw error
    }
    if (result === null || result.log <= 0 || result.log !== result.checkpointed) return false
    // Even while something reads it, because SQLite restarts the log with the first commit after the reader
    // ends.
    this.#retire()
    return result.busy === 0
  }

  /**
   * Invalidates the log on the disk before SQLite overwrites it from its start. Otherwise a power loss could
   * leave the old header with some new frames, and recovery would accept old frames before them. SQLite syncs
   * its new header for that reason, but the engine's connection does not sync.
   */
  #retire(): void {
    const header = Buffer.alloc(LOG_HEADER_BYTES)
    readSync(this.#log, header, 0, LOG_HEADER_BYTES, 0)
    writeSync(this.#log, Buffer.alloc(LOG_HEADER_BYTES), 0, LOG_HEADER_BYTES, 0)
    fdatasyncSync(this.#log)
    this.#retiredHeader = header
  }

  /** If a reader kept SQLite from restarting the log, the frames after the retired header need it back. */
  #keepLogValid(): void {
    if (this.#retiredHeader === null) return
    const header = Buffer.alloc(LOG_HEADER_BYTES)
    readSync(this.#log, header, 0, LOG_HEADER_BYTES, 0)
    if (header.every((byte) => byte === 0)) writeSync(this.#log, this.#retiredHeader, 0, LOG_HEADER_BYTES, 0)
    this.#retiredHeader = null
  }

  /** Checks that the names of the files still refer to the open files: they could be renamed or replaced. */
  #requireFiles(): void {
    const missing = this.#files.find((file, index) => identityOf(file) !== this.#identities[index])
    if (missing !== undefined) throw lost(missing)
  }

  get #files(): readonly string[] {
    return [this.#databaseFile, this.#logFile]
  }

  #connect(): Database {
    const connection = new Database(this.#databaseFile, { readwrite: true, create: false })
    connection.run("PRAGMA synchronous = FULL")
    connection.run(`PRAGMA busy_timeout = ${CHECKPOINT_PATIENCE_MS}`)
    // A connection opens the log with its first read.
    connection.run("SELECT count(*) FROM sqlite_schema")
    return connection
  }
}

/** Source: sqlite.org/pragma.html#pragma_wal_checkpoint. */
interface CheckpointResult {
  readonly busy: number
  /** Pages in the log, and the number of them that are in the database. */
  readonly log: number
  readonly checkpointed: number
}

/** Returns whether a checkpoint failed without harm: something reads the log, or the database can't grow. */
const isPassing = (error: unknown): boolean =>
  isDiskFull(error) || (error instanceof SQLiteError && error.code === "SQLITE_BUSY")

const lost = (file: string): Error =>
  new Error(`${file} was removed or replaced while the service was running`)

/** Returns the identity of a file, to distinguish it from others of the same name; empty if there is none. */
function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? "" : `${found.dev} ${found.ino}`
}
