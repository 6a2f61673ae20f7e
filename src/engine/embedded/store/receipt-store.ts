import type { Database } from "bun:sqlite"
import type { Receipt } from "../../../event/receipt.ts"
import type { PublishError } from "../../errors.ts"
import { type Mark, type Once, type Recognition, type Remembered, recognize, toRemember } from "../../once.ts"
import { RowBuffer } from "./appender.ts"
import { ReceiptIndex } from "./receipt-index.ts"
import { checksumOfReceipt, decodeReceipt, encodeReceipt, type ReceiptRow } from "./receipt-row.ts"

/**
 * The receipts of publishes that can be repeated, in the order in which they were stored, which is nearly that of their expiry.
 * They are found by an index in memory: with one in the file, each new row would change another page.
 */
export const RECEIPTS_TABLE = `
  CREATE TABLE receipts (
    seq INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    fingerprint TEXT,
    receipt TEXT,
    checksum INTEGER NOT NULL
  ) STRICT;
`

/** Fewest expired rows that are deleted in one turn, which takes about a millisecond. */
const DELETED_PER_TURN = 1_000

/** Rows that may be deleted for each new one, so that expired rows can't pile up. */
const DELETED_PER_NEW = 2

type StoredRow = ReceiptRow & { readonly checksum: number }

/** The place of a row. */
interface Place {
  readonly seq: number
  readonly hash: string
}

/** The receipts of a store, in SQL. Each call belongs to the transaction of a turn. */
export class ReceiptStore {
  readonly #get
  readonly #all
  readonly #oldest
  readonly #delete
  readonly #rows: RowBuffer<number | string | null>
  /** Null if it has to be read. */
  #index: ReceiptIndex | null = null
  #lastSeq = 0
  /** Expiry of the oldest row; null if it is not known. */
  #nextExpiry: number | null = null
  /** Rows of this turn. */
  #newRows = 0

  constructor(database: Database) {
    this.#get = database.prepare<StoredRow, [number]>(
      "SELECT hash, expires_at AS expiresAt, fingerprint, receipt, checksum FROM receipts WHERE seq = ?",
    )
    this.#all = database.prepare<Place, []>("SELECT seq, hash FROM receipts ORDER BY seq")
    this.#oldest = database.prepare<{ readonly expiresAt: number }, []>(
      "SELECT expires_at AS expiresAt FROM receipts ORDER BY seq LIMIT 1",
    )
    this.#delete = database.prepare<Place, [number, number]>(
      `DELETE FROM receipts WHERE seq IN (SELECT seq FROM receipts ORDER BY seq LIMIT ?) AND expires_at <= ?
       RETURNING seq, hash`,
    )
    this.#rows = new RowBuffer(
      database,
      "INSERT INTO receipts (seq, hash, expires_at, fingerprint, receipt, checksum)",
      "(?, ?, ?, ?, ?, ?)",
    )
    this.#known()
  }

  /** Looks up the marks of a publish. Also finds what was remembered earlier in this transaction. */
  recognize(once: Once, now: number): Recognition | PublishError {
    return recognize(once, ({ hash }) => this.#remembered(hash, now))
  }

  /** Remembers marks for a window from now on. `flush` stores them. */
  remember(marks: readonly Mark[], receipt: Receipt, windowMs: number, now: number): void {
    const index = this.#known()
    for (const mark of marks) {
      const row = encodeReceipt(mark.hash, now + windowMs, toRemember(mark, receipt))
      const { hash, expiresAt, fingerprint, receipt: text } = row
      const seq = ++this.#lastSeq
      this.#rows.add(seq, hash, expiresAt, fingerprint, text, checksumOfReceipt(row))
      index.add(hash, seq, (other) => this.#stored(other)?.hash === hash)
      this.#newRows++
    }
  }

  /** Inserts the rows of this turn. */
  flush(): void {
    this.#rows.insert()
  }

  /** Deletes expired rows, a bounded number of them. Call it after `flush`. */
  deleteExpired(now: number): void {
    const limit = DELETED_PER_TURN + DELETED_PER_NEW * this.#newRows
    this.#newRows = 0
    const index = this.#known()
    if (index.isEmpty) return
    this.#nextExpiry ??= this.#oldest.get()?.expiresAt ?? null
    if (this.#nextExpiry === null || this.#nextExpiry > now) return
    for (const { seq, hash } of this.#delete.all(limit, now)) index.delete(hash, seq)
    this.#nextExpiry = null
  }

  /** The transaction was rolled back. */
  discard(): void {
    this.#rows.discard()
    this.#index = null
    this.#nextExpiry = null
  }

  close(): void {
    for (const each of [this.#get, this.#all, this.#oldest, this.#delete]) each.finalize()
    this.#rows.close()
  }

  #remembered(hash: string, now: number): Remembered | null {
    const seq = this.#known().find(hash)
    const row = seq === undefined ? null : this.#stored(seq)
    if (row === null || row.hash !== hash || row.expiresAt <= now) return null
    // A damaged receipt is none: the event is then stored again, rather than never.
    return row.checksum === checksumOfReceipt(row) ? decodeReceipt(row) : null
  }

  /** Reads a row, which may belong to this turn. */
  #stored(seq: number): StoredRow | null {
    this.#rows.insert()
    return this.#get.get(seq)
  }

  /** Reads the index at the start, and after a turn that was rolled back. */
  #known(): ReceiptIndex {
    if (this.#index !== null) return this.#index
    const index = new ReceiptIndex()
    for (const { seq, hash } of this.#all.iterate()) {
      index.add(hash, seq, () => false)
      this.#lastSeq = seq
    }
    this.#index = index
    return index
  }
}
