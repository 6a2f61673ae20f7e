import type { Database } from "bun:sqlite"
import type { Receipt } from "../../../event/receipt.ts"
import type { PublishError } from "../../errors.ts"
import { type Mark, type Once, type Recognition, type Remembered, recognize, toRemember } from "../../once.ts"
import { checksumOfReceipt, decodeReceipt, encodeReceipt, type ReceiptRow } from "./receipt-row.ts"

/**
 * The receipts of publishes that can be repeated. The rows are clustered by slots, and a slot is the time, on the
 * store's clock, when the last of its rows has expired. So expired rows are neighbours, and a lookup takes one seek for
 * each of the few slots.
 */
export const RECEIPTS_TABLE = `
  CREATE TABLE receipts (
    slot INTEGER NOT NULL,
    hash TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    fingerprint TEXT,
    receipt TEXT,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (slot, hash)
  ) STRICT, WITHOUT ROWID;
`

/** Length of a slot, in windows. A shorter one makes lookups slower; with a longer one, expired rows stay longer. */
const SLOT_WINDOWS = 0.5

/** Fewest expired rows that are deleted in one turn, which takes about a millisecond. */
const DELETED_PER_TURN = 1_000

/** Rows that may be deleted for each new one, so that expired rows can't pile up. */
const DELETED_PER_NEW = 2

/** The receipts of a store, in SQL. Each call belongs to the transaction of a turn. */
export class ReceiptStore {
  readonly #find
  readonly #insert
  readonly #readSlots
  readonly #deleteFrom
  /** The slots that have rows, in ascending order; null if they have to be read. */
  #slots: number[] | null = null
  /** Rows of this turn. */
  #newRows = 0

  constructor(database: Database) {
    this.#find = database.prepare<ReceiptRow & { readonly checksum: number }, [number, string]>(
      `SELECT hash, expires_at AS expiresAt, fingerprint, receipt, checksum FROM receipts
       WHERE slot = ? AND hash = ?`,
    )
    this.#insert = database.prepare<never, [number, string, number, string | null, string | null, number]>(
      `INSERT OR REPLACE INTO receipts (slot, hash, expires_at, fingerprint, receipt, checksum)
       VALUES (?, ?, ?, ?, ?, ?)`,
    )
    // Jumps from slot to slot, because DISTINCT would walk all rows.
    this.#readSlots = database.prepare<{ readonly slot: number }, []>(
      `WITH RECURSIVE slots (slot) AS (
         SELECT min(slot) FROM receipts
         UNION ALL
         SELECT (SELECT min(slot) FROM receipts WHERE slot > slots.slot) FROM slots WHERE slot IS NOT NULL
       )
       SELECT slot FROM slots WHERE slot IS NOT NULL`,
    )
    this.#deleteFrom = database.prepare<never, [number, number]>(
      `DELETE FROM receipts WHERE slot = ?1
       AND hash IN (SELECT hash FROM receipts WHERE slot = ?1 ORDER BY hash LIMIT ?2)`,
    )
  }

  /** Looks up the marks of a publish. Also finds what was remembered earlier in this transaction. */
  recognize(once: Once, now: number): Recognition | PublishError {
    return recognize(once, ({ hash }) => this.#remembered(hash, now))
  }

  /** Remembers marks for a window from now on. */
  remember(marks: readonly Mark[], receipt: Receipt, windowMs: number, now: number): void {
    for (const mark of marks) {
      const row = encodeReceipt(mark.hash, now + windowMs, toRemember(mark, receipt))
      const { hash, expiresAt, fingerprint, receipt: text } = row
      const slot = this.#slotFor(now, windowMs)
      this.#insert.run(slot, hash, expiresAt, fingerprint, text, checksumOfReceipt(row))
      this.#newRows++
    }
  }

  /** Deletes rows of a slot that has expired, a bounded number of them. */
  deleteExpired(now: number): void {
    const limit = DELETED_PER_TURN + DELETED_PER_NEW * this.#newRows
    this.#newRows = 0
    const slots = this.#knownSlots()
    const [oldest] = slots
    if (oldest === undefined || oldest > now) return
    if (this.#deleteFrom.run(oldest, limit).changes < limit) slots.shift()
  }

  /** The transaction was rolled back. */
  discard(): void {
    this.#slots = null
  }

  close(): void {
    for (const each of [this.#find, this.#insert, this.#readSlots, this.#deleteFrom]) each.finalize()
  }

  #remembered(hash: string, now: number): Remembered | null {
    for (const slot of this.#knownSlots()) {
      const row = this.#find.get(slot, hash)
      if (row === null || row.expiresAt <= now) continue
      // A damaged receipt is none: the event is then stored again, rather than never.
      return row.checksum === checksumOfReceipt(row) ? decodeReceipt(row) : null
    }
    return null
  }

  /** After the window was changed, older slots can be later than this one. */
  #slotFor(now: number, windowMs: number): number {
    const slots = this.#knownSlots()
    const latest = Math.ceil(now + windowMs + windowMs * SLOT_WINDOWS)
    const current = slots.find((slot) => slot >= now + windowMs && slot <= latest)
    if (current !== undefined) return current
    slots.push(latest)
    slots.sort((one, other) => one - other)
    return latest
  }

  #knownSlots(): number[] {
    this.#slots ??= this.#readSlots.all().map(({ slot }) => slot)
    return this.#slots
  }
}
