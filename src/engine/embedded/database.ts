import { Database, SQLiteError } from "bun:sqlite"
import { join } from "node:path"
import { EngineStartError } from "../errors.ts"
import { isDamage, requireSoundTables, StoreDamagedError } from "./store-damage.ts"
import { makeDataDir, makePrivate } from "./store-files.ts"
import { StoreLock } from "./store-lock.ts"
import { reasonOf } from "./turn-failure.ts"
import { LOG_OVERRUN, logBytesFor, volumeOf } from "./volume.ts"

/** The one database file in `DATA_DIR`. SQLite keeps its write-ahead log beside it. */
export const DATABASE_FILE = "event-broker.db"

/** Marks the file as ours among SQLite's files: "EvBr". Source: sqlite.org/pragma.html#pragma_application_id. */
const APPLICATION_ID = 0x45764272

/** Lets a new or rewritten database give its free pages back, a few at a time. */
export const CAN_SHRINK = "PRAGMA auto_vacuum = INCREMENTAL"

/** The version of the tables below, kept in the file's `user_version`. */
const SCHEMA_VERSION = 3

/** What the store knows of itself. Its id tells it from other stores, and `turn` counts the commits in it. */
const STORE_TABLE = `
  CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    store_id TEXT NOT NULL,
    turn INTEGER NOT NULL
  ) STRICT;
  INSERT INTO store VALUES (1, lower(hex(randomblob(16))), 0);
`

/** The last moment that the store was used at, by every clock: one row. See `StoreClock`. */
const CLOCK_TABLE = `
  CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    store_time INTEGER NOT NULL,
    wall_time INTEGER NOT NULL,
    boot_id TEXT,
    since_boot INTEGER,
    checksum INTEGER NOT NULL
  ) STRICT;
`

/** What makes a store of the version before into one of this version, by the version before. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: "ALTER TABLE events ADD COLUMN trace TEXT",
  2: `ALTER TABLE events ADD COLUMN checksum INTEGER;
      ALTER TABLE queues ADD COLUMN checksum INTEGER;
      ${STORE_TABLE}
      ${CLOCK_TABLE}`,
}

/**
 * A message is one event on one queue. Messages are clustered in the order in which they are delivered, so
 * the next one of a queue, its oldest, and its count by state are each one seek from the root.
 *
 * An event's body is stored once. A message that holds its event alone is `shared` 0 and takes the body with
 * it; where several queues hold it, the last one does, found by the partial index.
 *
 * A `checksum` of NULL was stored by an earlier version, and is not checked.
 */
const SCHEMA = `
  CREATE TABLE queues (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    declaration TEXT NOT NULL,
    checksum INTEGER
  ) STRICT;

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    trace TEXT,
    checksum INTEGER
  ) STRICT;

  CREATE TABLE messages (
    queue INTEGER NOT NULL,
    state INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    position INTEGER NOT NULL,
    event INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    due_at INTEGER,
    failure TEXT,
    PRIMARY KEY (queue, state, priority DESC, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX messages_due ON messages (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX messages_shared ON messages (event) WHERE shared = 1;

  CREATE TABLE dead_letters (
    position INTEGER PRIMARY KEY,
    queue INTEGER NOT NULL,
    event INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    failure TEXT NOT NULL
  ) STRICT;
  CREATE INDEX dead_letters_queue ON dead_letters (queue, position);
  CREATE INDEX dead_letters_event ON dead_letters (event);

  CREATE TABLE probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT;
  ${STORE_TABLE}
  ${CLOCK_TABLE}
`

/** A store that this process has for itself. */
export interface OpenStore extends Disposable {
  readonly database: Database
  readonly storeId: string
  /** The number of the last turn in it. */
  readonly turn: number
  /** How long the log may become before it is copied into the database, in pages. */
  readonly logPages: number
  readonly lock: Disposable
}

/**
 * Opens the store in a folder, which is made if it is missing, and locks it for this process alone.
 * @throws {EngineStartError} if the folder can't be written, another process has it, or the file is not a store of this
 * version.
 */
export function openStore(dataDir: string): OpenStore {
  try {
    makeDataDir(dataDir)
  } catch (cause) {
    throw new EngineStartError(`DATA_DIR ${dataDir} can't be made: ${reasonOf(cause)}`, { cause })
  }
  const lock = new StoreLock(dataDir)
  const file = join(dataDir, DATABASE_FILE)
  let database: Database | undefined
  try {
    makePrivate(file)
    database = new Database(file, { create: true, readwrite: true, strict: true })
    const logBytes = logBytesFor(volumeOf(dataDir).totalBytes)
    configure(database, logBytes)
    const opened = database
    return {
      database: opened,
      lock,
      logPages: Math.floor(logBytes / pragma(database, "page_size")),
      ...identify(opened),
      [Symbol.dispose]() {
        opened.close()
        lock[Symbol.dispose]()
      },
    }
  } catch (cause) {
    database?.close()
    lock[Symbol.dispose]()
    throw explainOpening(dataDir, cause)
  }
}

function configure(database: Database, logBytes: number): void {
  // Before WAL, which writes the file's header. An old file keeps its format, and would be written for nothing.
  if (pragma(database, "page_count") === 0) database.run(CAN_SHRINK)
  database.run("PRAGMA journal_mode = WAL")
  database.transaction(() => bringTables(database)).immediate()
  requireSoundTables(database)
  // From here on this connection neither syncs nor copies the log: the sync thread does both, in an order that is safe
  // without this connection's help. Source: sqlite.org/pragma.html#pragma_synchronous.
  database.run("PRAGMA synchronous = OFF")
  database.run("PRAGMA wal_autocheckpoint = 0")
  // A log that a large batch or a backup made longer gets this short again when it is begun anew.
  database.run(`PRAGMA journal_size_limit = ${Math.floor(logBytes * LOG_OVERRUN)}`)
}

/** A number that SQLite keeps of a database. */
function pragma(database: Database, name: "page_count" | "page_size"): number {
  return database.query<Record<typeof name, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0
}

function identify(database: Database): { readonly storeId: string; readonly turn: number } {
  const row = database
    .query<{ storeId: string; turn: number }, []>("SELECT store_id AS storeId, turn FROM store")
    .get()
  if (row === null) throw new StoreDamagedError("its table store is empty")
  return row
}

/** Creates the tables, or brings those of an earlier version up to this one. */
function bringTables(database: Database): void {
  const row = database.query<{ user_version: number }, []>("PRAGMA user_version").get()
  const version = row?.user_version ?? 0
  refuseForeignFile(database)
  if (version === SCHEMA_VERSION) return
  if (version > SCHEMA_VERSION) {
    throw new EngineStartError(
      `${database.filename} has the format ${version}, and this Event Broker knows format ${SCHEMA_VERSION}: ` +
        "start the version that wrote it, or give this one another DATA_DIR",
    )
  }
  if (version === 0) database.run(SCHEMA)
  else for (let from = version; from < SCHEMA_VERSION; from++) database.run(MIGRATIONS[from] ?? "")
  database.run(`PRAGMA application_id = ${APPLICATION_ID}`)
  database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`)
}

/** A file with tables that another program made is left as it is. */
function refuseForeignFile(database: Database): void {
  const id = database.query<{ application_id: number }, []>("PRAGMA application_id").get()?.application_id
  const tables = database
    .query<{ count: number }, []>("SELECT count(*) AS count FROM sqlite_schema")
    .get()?.count
  if (id === APPLICATION_ID || tables === 0) return
  throw new EngineStartError(
    `${database.filename} is not an Event Broker store: give this one another DATA_DIR`,
  )
}

/** One sentence for whoever starts the service, about a store that can't be opened. */
export function explainOpening(dataDir: string, cause: unknown): EngineStartError {
  if (cause instanceof EngineStartError) return cause
  const code = cause instanceof SQLiteError ? (cause.code ?? "") : ""
  if (code.startsWith("SQLITE_BUSY")) {
    return new EngineStartError(
      `DATA_DIR ${dataDir} is in use by another process: stop that one, or give this one its own DATA_DIR`,
      { cause },
    )
  }
  // The statements are ours: one that is wrong for this file means that the file is.
  if (isDamage(cause) || code === "SQLITE_ERROR") {
    const file = join(dataDir, DATABASE_FILE)
    const advice = "keep a copy, and restore a backup or save what can be read (docs/troubleshooting.md)"
    const message = `${file} is not an Event Broker store, or is damaged: ${reasonOf(cause)}; ${advice}`
    return new EngineStartError(message, { cause })
  }
  return new EngineStartError(`DATA_DIR ${dataDir} can't be used: ${reasonOf(cause)}`, { cause })
}
