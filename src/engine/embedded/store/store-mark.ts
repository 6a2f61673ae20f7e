import { closeSync, openSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { isDiskFull } from "./disk-full.ts"
import { FILE_MODE, MARK_FILE } from "./store-files.ts"

/**
 * Digits of a turn number: every safe integer fits, so the line has a fixed length and is overwritten in
 * place.
 */
const TURN_DIGITS = 16

/** The identity of a store and the number of one of its turns. */
export interface TurnMark {
  readonly storeId: string
  readonly turn: number
}

/**
 * Records the last confirmed turn outside the database. If the database has fewer turns at the next start,
 * its log was damaged, deleted or replaced, and events that were answered 201 are missing.
 *
 * The mark is written after its turn is on the disk and is not synced itself, so a power loss can leave an
 * older mark but never a newer one. For the same reason a full disk, which takes no mark, is no reason to
 * refuse events: an older mark detects fewer missing turns, but never reports turns that exist.
 */
export class StoreMark implements Disposable {
  readonly #dataDir: string
  readonly #storeId: string
  /** Null while the disk has no room for the file. */
  #descriptor: number | null

  constructor(dataDir: string, storeId: string) {
    this.#dataDir = dataDir
    this.#storeId = storeId
    this.#descriptor = unlessFull(() => this.#open())
  }

  set(turn: number): void {
    unlessFull(() => {
      this.#descriptor ??= this.#open()
      writeSync(this.#descriptor, `${this.#storeId} ${String(turn).padStart(TURN_DIGITS, "0")}\n`, 0)
    })
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
  }

  #open(): number {
    // Not truncated: the old mark stays until the first turn is synced.
    const flags = readStoreMark(this.#dataDir) === null ? "w" : "r+"
    return openSync(join(this.#dataDir, MARK_FILE), flags, FILE_MODE)
  }
}

/** Returns the mark of a store, or null if there is no readable one. */
export function readStoreMark(dataDir: string): TurnMark | null {
  let text: string
  try {
    text = readFileSync(join(dataDir, MARK_FILE), "utf8")
  } catch {
    // Stores of earlier versions and restored backups have no mark.
    return null
  }
  const [, storeId, turn] = /^([\da-f]+) (\d+)\n$/.exec(text) ?? []
  return storeId === undefined || turn === undefined ? null : { storeId, turn: Number(turn) }
}

/** Returns null if the disk is full. */
function unlessFull<Result>(work: () => Result): Result | null {
  try {
    return work()
  } catch (error) {
    // An older mark stays, if there is one.
    if (isDiskFull(error)) return null
    throw error
  }
}
