import { constants, Database } from "bun:sqlite"

/** Identifies the file among SQLite files: "EvHi". Source: sqlite.org/pragma.html#pragma_application_id. */
const APPLICATION_ID = 0x45764869

/** Version of the tables below, stored in the file's `user_version`. */
const SCHEMA_VERSION = 3

/** In bytes. Pages of 4 KiB take a fifth more CPU time per event; larger ones make scattered writes expensive. */
export const PAGE_BYTES = 8_192

/** Holds the pages that one transaction changes. */
const CACHE_KIB = 16_384

/** Creates the file if there is none. A URI attaches the store whose events facts refer to. */
const FLAGS = constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_CREATE | constants.SQLITE_OPEN_URI

/** Share of the file's bound that the log may reach before it is copied into the database. */
const LOG_SHARE = 1 / 32

/** Bounds of the log's length before it is copied into the database, in pages. */
const MIN_LOG_PAGES = 32
const MAX_LOG_PAGES = 1_024

/** A file that this version of the service did not write. */
export class ForeignFileError extends Error {
  override readonly name = "ForeignFileError"
}

/** Of the table `history`. See `Gaps`. */
const GAP_COLUMNS = `
  ALTER TABLE history ADD COLUMN gap_since INTEGER;
  ALTER TABLE history ADD COLUMN gap_until INTEGER;
  ALTER TABLE history ADD COLUMN gap_is_open INTEGER;
  ALTER TABLE history ADD COLUMN gap_reason TEXT;
`

/**
 * Events are numbered in the order in which the history learnt of them; `seq` is never used twice. The body is the
 * last column, so that a scan skips the pages of large ones. `source` is one of `SOURCE`. A routing key of NULL is the
 * one of the event's type and name.
 *
 * A delivery is an event on a queue. Its `timeline` has a line for each thing that happened; see `timeline.ts`.
 * `attempt` is the latest of the current round, `attempts` counts those of all rounds. A delivery that the embedded engine
 * stored and that nothing has happened to since has no row: the event's `queue_set` implies it. The view has both.
 *
 * A span is a range of events that became known within a minute or so, with their earliest and latest time. Searches
 * skip spans, and retention deletes them.
 */
const SCHEMA = `
  CREATE TABLE history (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    file_id TEXT NOT NULL,
    position TEXT,
    next_seq INTEGER NOT NULL,
    removed_until INTEGER
  ) STRICT;
  INSERT INTO history VALUES (1, lower(hex(randomblob(4))), NULL, 1, NULL);
  ${GAP_COLUMNS}

  CREATE TABLE tokens (n INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE) STRICT;

  CREATE TABLE queues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

  CREATE TABLE queue_sets (
    id INTEGER NOT NULL,
    queue INTEGER NOT NULL,
    PRIMARY KEY (id, queue)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    source INTEGER NOT NULL,
    type TEXT,
    name TEXT,
    routing_key TEXT,
    ordering_key TEXT,
    trace_id TEXT,
    caused_by TEXT,
    queue_set INTEGER,
    body TEXT
  ) STRICT;
  CREATE INDEX events_id ON events (id);
  CREATE INDEX events_unknown ON events (id) WHERE source = 2;
  CREATE INDEX events_ordering_key ON events (ordering_key) WHERE ordering_key IS NOT NULL;
  CREATE INDEX events_trace_id ON events (trace_id) WHERE trace_id IS NOT NULL;
  CREATE INDEX events_caused_by ON events (caused_by) WHERE caused_by IS NOT NULL;

  CREATE TABLE deliveries (
    event INTEGER NOT NULL,
    queue INTEGER NOT NULL,
    was_published INTEGER NOT NULL,
    state INTEGER NOT NULL,
    since INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER,
    reason TEXT,
    timeline TEXT NOT NULL,
    PRIMARY KEY (event, queue)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deliveries_unfinished ON deliveries (queue, state, since) WHERE state < 2;
  CREATE INDEX deliveries_failed ON deliveries (event) WHERE state > 2;

  CREATE VIEW all_deliveries AS
    SELECT event, queue, was_published, state, since, attempt, attempts, next_at, reason, timeline FROM deliveries
    UNION ALL
    SELECT seq, queue_sets.queue, 1, 0, at, 0, 0, NULL, NULL, ''
    FROM events JOIN queue_sets ON queue_sets.id = queue_set
    WHERE NOT EXISTS (
      SELECT 1 FROM deliveries WHERE deliveries.event = seq AND deliveries.queue = queue_sets.queue
    );

  CREATE TABLE spans (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    begun_at INTEGER NOT NULL,
    known_at INTEGER NOT NULL,
    min_at INTEGER NOT NULL,
    max_at INTEGER NOT NULL
  ) STRICT;
`

/** How an event became known: from its publication, from another program's message, or only from what happened later. */
export const SOURCE = { published: 0, foreign: 1, unknown: 2 } as const

export interface OpenTables {
  readonly database: Database
  /** True if the file was empty. */
  readonly isNew: boolean
}

/**
 * Opens the file of a history, or creates it.
 * @param maxBytes the bound of the file with its log
 * @throws {ForeignFileError} if another program or another version wrote the file, and what SQLite throws
 */
export function openTables(file: string, maxBytes: number): OpenTables {
  const database = new Database(file, FLAGS)
  try {
    // Both have to come before the first write. On an existing file they have no effect.
    database.run(`PRAGMA page_size = ${PAGE_BYTES}`)
    database.run("PRAGMA auto_vacuum = INCREMENTAL")
    database.run("PRAGMA journal_mode = WAL")
    // A statement that inserts several rows keeps the pages that it changes, to undo a part of it: in memory, not in a file.
    database.run("PRAGMA temp_store = MEMORY")
    database.run(`PRAGMA cache_size = -${CACHE_KIB}`)
    // A commit is on the disk when it returns: the caller then deletes what it was made from.
    database.run("PRAGMA synchronous = FULL")
    const pages = logPages(maxBytes)
    database.run(`PRAGMA wal_autocheckpoint = ${pages}`)
    // Truncates a log that a large transaction made longer, when SQLite restarts it.
    database.run(`PRAGMA journal_size_limit = ${2 * pages * PAGE_BYTES}`)
    const isNew = database.transaction(() => bringTables(database)).immediate()
    return { database, isNew }
  } catch (error) {
    database.close()
    throw error
  }
}

/** Returns the length of the log at which it is copied into the database, in pages. */
export const logPages = (maxBytes: number): number =>
  Math.round(Math.min(MAX_LOG_PAGES, Math.max(MIN_LOG_PAGES, (maxBytes * LOG_SHARE) / PAGE_BYTES)))

/** Creates the tables, or upgrades those of the version before. Returns whether there were none. */
function bringTables(database: Database): boolean {
  const isEmpty = numberOf(database, "SELECT count(*) FROM sqlite_schema") === 0
  if (isEmpty) {
    database.run(SCHEMA)
    database.run(`PRAGMA application_id = ${APPLICATION_ID}`)
    database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    return true
  }
  const id = numberOf(database, "PRAGMA application_id")
  const version = numberOf(database, "PRAGMA user_version")
  if (id === APPLICATION_ID && version === SCHEMA_VERSION) return false
  if (id === APPLICATION_ID && version === SCHEMA_VERSION - 1) {
    database.run(GAP_COLUMNS)
    database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    return false
  }
  throw new ForeignFileError(
    id === APPLICATION_ID ? `it has format ${version} of the history` : "another program wrote it",
  )
}

/** Returns the number that a statement yields; 0 if it yields none. */
export function numberOf(database: Database, statement: string): number {
  const [value] = database.query(statement).values()[0] ?? []
  return typeof value === "number" ? value : 0
}
