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
import { StoreMark } from "./store-mark.ts"
import { type SyncRequest, THEN_CHECKPOINT, THEN_TAKE_OVER } from "./sync-request.ts"
import { isDiskFull } from "./turn-failure.ts"

/** What the thread answers. A request is answered by `synced`, and by one more if it asked for more. */
export type SyncAnswer =
  | { readonly kind: "synced" }
  /** The database may be written again. Not whole: something still reads the log, or the disk is full. */
  | { readonly kind: "checkpointed"; readonly isWhole: boolean }
  /** The thread has a connection; the engine closes its own now. */
  | { readonly kind: "took-over" }
  | { readonly kind: "closed" }
  /** What was written last may not be on the disk. The last answer of the thread. */
  | { readonly kind: "failed"; readonly reason: string }

/** What the thread needs to know of the store. */
export interface KeptStore {
  readonly databaseFile: string
  readonly storeId: string
}

/** How often the thread looks for the store's files while nothing is written, in milliseconds. */
const LOOK_INTERVAL_MS = 500

/** How long a checkpoint waits for what reads the log, a backup say, in milliseconds. Meanwhile nothing is written. */
const CHECKPOINT_PATIENCE_MS = 50

/** Source: sqlite.org/fileformat2.html, section 4.1, "WAL File Format". */
const LOG_HEADER_BYTES = 32

/**
 * Brings the store onto the disk, on a thread that does nothing else. It alone syncs: the engine's connection has
 * `synchronous=OFF`. One thread, one descriptor and one sync at a time, so each error of the disk has one observer: Linux
 * reports a failed write to a descriptor once, and two syncs at a time could each take the other's error.
 * Source: Linux, Documentation/core-api/errseq.rst; wiki.postgresql.org/wiki/Fsync_Errors.
 */
export class LogKeeper {
  readonly #databaseFile: string
  readonly #logFile: string
  readonly #log: number
  readonly #identities: readonly string[]
  readonly #mark: StoreMark
  /** The header of a log that was copied whole, while that log is not begun anew yet. */
  #retiredHeader: Buffer | null = null

  /** Opens the log, and makes the names of the store's files durable. */
  constructor({ databaseFile, storeId }: KeptStore) {
    this.#databaseFile = databaseFile
    this.#logFile = `${databaseFile}-wal`
    this.#log = openSync(this.#logFile, "r+")
    this.#identities = this.#files.map(identityOf)
    const dataDir = dirname(databaseFile)
    this.#mark = new StoreMark(dataDir, storeId)
    // A file that was synced is still lost if its folder does not know it. Source: fsync(2).
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
      // Read before the answer, which the engine may follow with its next request at once.
      const { turn, followUp } = request
      served = request.number
      this.#sync()
      answer({ kind: "synced" })
      // The engine goes on meanwhile.
      this.#mark.set(turn)
      this.#requireFiles()
      if (followUp === THEN_CHECKPOINT) answer({ kind: "checkpointed", isWhole: this.#checkpoint() })
      if (followUp !== THEN_TAKE_OVER) continue
      const connection = this.#connect()
      answer({ kind: "took-over" })
      request.waitForOther(served, Number.POSITIVE_INFINITY)
      // The last connection copies the log into the database, syncs that, and deletes the log.
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
    // A file that was deleted can be written and synced, and is gone all the same.
    if (fstatSync(this.#log).nlink === 0) throw lost(this.#logFile)
  }

  /** Copies the log into the database. False if not all of it was copied, or something still reads it. */
  #checkpoint(): boolean {
    let result: CheckpointResult | null
    try {
      using connection = this.#connect()
      using statement = connection.prepare<CheckpointResult, []>("PRAGMA wal_checkpoint(RESTART)")
      result = statement.get()
    } catch (error) {
      // The log stays as it is, and holds everything.
      if (isPassing(error)) return false
      throw error
    }
    if (result === null || result.log <= 0 || result.log !== result.checkpointed) return false
    // Even if something reads it: SQLite begins the log anew with the first commit after the reader has gone.
    this.#retire()
    return result.busy === 0
  }

  /**
   * Makes the log on the disk invalid before SQLite overwrites it from its start. Otherwise a power loss could leave the
   * old header with some new frames, and old frames before them would be taken for the truth again. SQLite syncs its new
   * header for that reason; the engine's connection syncs nothing.
   */
  #retire(): void {
    const header = Buffer.alloc(LOG_HEADER_BYTES)
    readSync(this.#log, header, 0, LOG_HEADER_BYTES, 0)
    writeSync(this.#log, Buffer.alloc(LOG_HEADER_BYTES), 0, LOG_HEADER_BYTES, 0)
    fdatasyncSync(this.#log)
    this.#retiredHeader = header
  }

  /** If another program kept SQLite from beginning the log anew, the frames behind the retired header need it back. */
  #keepLogValid(): void {
    if (this.#retiredHeader === null) return
    const header = Buffer.alloc(LOG_HEADER_BYTES)
    readSync(this.#log, header, 0, LOG_HEADER_BYTES, 0)
    if (header.every((byte) => byte === 0)) writeSync(this.#log, this.#retiredHeader, 0, LOG_HEADER_BYTES, 0)
    this.#retiredHeader = null
  }

  /** Whether the names of the files still lead to them: they could be renamed, or replaced by others. */
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
    // A connection opens the log when it first reads.
    connection.run("SELECT count(*) FROM sqlite_schema")
    return connection
  }
}

/** Source: sqlite.org/pragma.html#pragma_wal_checkpoint. */
interface CheckpointResult {
  readonly busy: number
  /** Pages in the log, and how many of them are in the database. */
  readonly log: number
  readonly checkpointed: number
}

/** Whether a checkpoint failed without harm: something reads the log, or the database can't grow. */
const isPassing = (error: unknown): boolean =>
  isDiskFull(error) || (error instanceof SQLiteError && error.code === "SQLITE_BUSY")

const lost = (file: string): Error => new Error(`${file} was removed or replaced while the service ran`)

/** What tells a file from another one of its name; empty if there is none. */
function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? "" : `${found.dev} ${found.ino}`
}
