import { Database, SQLiteError } from "bun:sqlite"
import { join } from "node:path"
import { reasonOf } from "../../../system/reason-of.ts"
import { volumeOf } from "../../../system/volume.ts"
import { EngineStartError } from "../../errors.ts"
import { dataDirError } from "./data-dir-error.ts"
import { LOG_OVERRUN, logBytesFor } from "./log-bytes.ts"
import { RECEIPTS_TABLE } from "./receipt-store.ts"
import { isDamage, requireSoundTables, StoreDamagedError } from "./store-damage.ts"
import { makeDataDir, makePrivate } from "./store-files.ts"
import { StoreLock } from "./store-lock.ts"

/** The only database file in `DATA_DIR`. SQLite keeps its write-ahead log next to it. */
export const DATABASE_FILE = "event-broker.db"

/** Identifies the file among SQLite files: "EvBr". Source: sqlite.org/pragma.html#pragma_application_id. */
const APPLICATION_ID = 0x45764272

/** Lets a new or rewritten database return its free pages to the file system incrementally. */
export const CAN_SHRINK = "PRAGMA auto_vacuum = INCREMENTAL"

/** Version of the tables below, stored in the file's `user_version`. */
const SCHEMA_VERSION = 7

/**
 * Metadata of the store: an id that distinguishes it from other stores, and `turn`, its number of commits.
 */
const STORE_TABLE = `
  CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    store_id TEXT NOT NULL,
    turn INTEGER NOT NULL
  ) STRICT;
  INSERT INTO store VALUES (1, lower(hex(randomblob(16))), 0);
`

/** The last time the store was used, on every clock: one row. See `StoreClock`. */
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

/** Facts for the history: a row for each turn. See `FactStore`. */
const FACTS_TABLE = `
  CREATE TABLE facts (
    seq INTEGER PRIMARY KEY,
    length INTEGER NOT NULL,
    token TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
`

/** Done events that a row of facts refers to, or that earlier ones do: numbers with commas between. */
const HELD_EVENTS = "ALTER TABLE facts ADD COLUMN held TEXT;"

/** Tells the history where the parts of an event are in its JSON. See `layoutOf`. */
const LAYOUT = "ALTER TABLE events ADD COLUMN layout INTEGER;"

/** Number of the last event whose publication the facts tell of, if they tell of every one. See `readRecorded`. */
const RECORDED = "ALTER TABLE store ADD COLUMN recorded INTEGER NOT NULL DEFAULT 0;"

/** Statements that upgrade a store to the next version, by its version. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: "ALTER TABLE events ADD COLUMN trace TEXT",
  2: `ALTER TABLE events ADD COLUMN checksum INTEGER;
      ALTER TABLE queues ADD COLUMN checksum INTEGER;
      ${STORE_TABLE}
      ${CLOCK_TABLE}`,
  3: FACTS_TABLE + RECEIPTS_TABLE,
  4: HELD_EVENTS,
  5: LAYOUT,
  6: `${RECORDED} UPDATE store SET recorded = (SELECT ifnull(max(seq), 0) FROM events);`,
}

/**
 * A message is one event on one queue. Messages are clustered in delivery order, so finding a queue's next
 * message, its oldest message, and its count by state each take one seek from the root.
 *
 * An event's body is stored once. A message that is the only one of its event has `shared` 0 and is deleted
 * together with the body. If several queues hold the event, the last message deletes the body; the partial
 * index finds whether it is the last.
 *
 * The column `trace` has everything that is stored beside an event. See `encodeOrigin`.
 *
 * A `checksum` of NULL comes from an earlier version, and is not checked.
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
  ${FACTS_TABLE}
  ${HELD_EVENTS}
  ${LAYOUT}
  ${RECORDED}
  ${RECEIPTS_TABLE}
`

/** A store opened exclusively by this process. */
export interface OpenStore extends Disposable {
  readonly database: Database
  readonly storeId: string
  /** The number of the last turn. */
  readonly turn: number
  /** Maximum length of the log before it is copied into the database, in pages. */
  readonly logPages: number
  readonly lock: Disposable
}

/**
 * Opens the store in a folder and locks it for this process. Creates the folder if it is missing.
 * @throws {EngineStartError} if the folder can't be written, another process uses it, or the file is not a
 * store of this version.
 */
export function openStore(dataDir: string): OpenStore {
  try {
    makeDataDir(dataDir)
  } catch (cause) {
    throw dataDirError(dataDir, "can't be created", cause)
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
  // Has to come before WAL, which writes the file's header. On an existing file it has no effect and would
  // only cause a write.
  if (pragma(database, "page_count") === 0) database.run(CAN_SHRINK)
  database.run("PRAGMA journal_mode = WAL")
  database.transaction(() => bringTables(database)).immediate()
  requireSoundTables(database)
  // From here on this connection neither syncs nor copies the log. The sync thread does both, in an order
  // that is safe without this connection. Source: sqlite.org/pragma.html#pragma_synchronous.
  database.run("PRAGMA synchronous = OFF")
  database.run("PRAGMA wal_autocheckpoint = 0")
  // Truncates a log that a large batch or a backup made longer, when SQLite restarts it.
  database.run(`PRAGMA journal_size_limit = ${Math.floor(logBytes * LOG_OVERRUN)}`)
}

/** Reads a number that SQLite stores with the database. */
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

/** Creates the tables, or upgrades those of an earlier version. */
function bringTables(database: Database): void {
  const row = database.query<{ user_version: number }, []>("PRAGMA user_version").get()
  const version = row?.user_version ?? 0
  refuseForeignFile(database)
  if (version === SCHEMA_VERSION) return
  if (version > SCHEMA_VERSION) {
    throw new EngineStartError(
      `${database.filename} has format ${version}, but this Event Broker supports format ${SCHEMA_VERSION}: ` +
        "start the version that wrote it, or set another DATA_DIR",
    )
  }
  if (version === 0) database.run(SCHEMA)
  else for (let from = version; from < SCHEMA_VERSION; from++) database.run(MIGRATIONS[from] ?? "")
  database.run(`PRAGMA application_id = ${APPLICATION_ID}`)
  database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`)
}

/** Leaves a file with another program's tables unchanged. */
function refuseForeignFile(database: Database): void {
  const id = database.query<{ application_id: number }, []>("PRAGMA application_id").get()?.application_id
  const tables = database
    .query<{ count: number }, []>("SELECT count(*) AS count FROM sqlite_schema")
    .get()?.count
  if (id === APPLICATION_ID || tables === 0) return
  throw new EngineStartError(`${database.filename} is not an Event Broker store: set another DATA_DIR`)
}

/** Explains in one sentence why a store can't be opened, for the person who starts the service. */
export function explainOpening(dataDir: string, cause: unknown): EngineStartError {
  if (cause instanceof EngineStartError) return cause
  const code = cause instanceof SQLiteError ? (cause.code ?? "") : ""
  if (code.startsWith("SQLITE_BUSY")) {
    return new EngineStartError(
      `DATA_DIR ${dataDir} is in use by another process: stop that process, or set another DATA_DIR`,
      { cause },
    )
  }
  // The statements are correct for a valid store, so an SQL error means that the file is not one.
  if (isDamage(cause) || code === "SQLITE_ERROR") {
    const file = join(dataDir, DATABASE_FILE)
    const advice = "keep a copy, then restore a backup or recover what is readable (docs/troubleshooting.md)"
    const message = `${file} is not an Event Broker store, or is damaged: ${reasonOf(cause)}; ${advice}`
    return new EngineStartError(message, { cause })
  }
  return dataDirError(dataDir, "can't be used", cause)
}
