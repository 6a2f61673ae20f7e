import type { Database } from "bun:sqlite"
import { statSync } from "node:fs"
import { LogLength } from "./log-length.ts"

/** The size of an open store. */
export interface StoreSize {
  readonly pageBytes: number
  /** Pages of the database, including those that only the write-ahead log has. */
  readonly pages: number
  /** Number of these pages that are free. */
  readonly freePages: number
  /** Bytes of the database file. */
  readonly fileBytes: number
  /** Bytes of the write-ahead log file. SQLite overwrites it in place after it restarts the log. */
  readonly logFileBytes: number
  /** Bytes of the log before the next commit. */
  readonly logBytes: number
}

/** Measures a store. Each call takes two system calls, and reads SQLite's first page and its log index. */
export class StoreMeter {
  readonly #file: string
  readonly #pageBytes: number
  readonly #pages
  readonly #freePages
  readonly #log: LogLength

  constructor(database: Database) {
    this.#file = database.filename
    this.#pageBytes = database.query<{ page_size: number }, []>("PRAGMA page_size").get()?.page_size ?? 0
    this.#pages = database.prepare<{ page_count: number }, []>("PRAGMA page_count")
    this.#freePages = database.prepare<{ freelist_count: number }, []>("PRAGMA freelist_count")
    this.#log = new LogLength(database)
  }

  /** @throws {SQLiteError} if the store can't be read. */
  measure(): StoreSize {
    return {
      pageBytes: this.#pageBytes,
      pages: this.#pages.get()?.page_count ?? 0,
      freePages: this.#freePages.get()?.freelist_count ?? 0,
      fileBytes: sizeOf(this.#file),
      logFileBytes: sizeOf(`${this.#file}-wal`),
      logBytes: this.#log.pagesBeforeNext * this.#pageBytes,
    }
  }

  close(): void {
    this.#pages.finalize()
    this.#freePages.finalize()
    this.#log.close()
  }
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
