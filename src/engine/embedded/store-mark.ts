import { closeSync, openSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { FILE_MODE, MARK_FILE } from "./store-files.ts"
import { isDiskFull } from "./turn-failure.ts"

/** Digits of a turn's number: every safe integer fits, so the line keeps its length and is written in place. */
const TURN_DIGITS = 16

/** A store's identity and the number of a turn in it. */
export interface TurnMark {
  readonly storeId: string
  readonly turn: number
}

/**
 * Remembers, outside the database, the last turn that was confirmed. If the database has fewer turns at the next start,
 * its log was damaged, deleted or replaced, and events that were answered 201 are missing.
 *
 * The mark is written after its turn is on the disk and is not synced itself, so a power loss can leave an older mark
 * but never a newer one. For the same reason a full disk, which takes no mark, is no reason to refuse events: the older
 * mark finds fewer missing turns, and none that are there.
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

/** The mark of a store; null if there is none that can be read. */
export function readStoreMark(dataDir: string): TurnMark | null {
  let text: string
  try {
    text = readFileSync(join(dataDir, MARK_FILE), "utf8")
  } catch {
    // A store of an earlier version has none, and neither has one that was restored from a backup.
    return null
  }
  const [, storeId, turn] = /^([\da-f]+) (\d+)\n$/.exec(text) ?? []
  return storeId === undefined || turn === undefined ? null : { storeId, turn: Number(turn) }
}

/** Null if the disk was full. */
function unlessFull<Result>(work: () => Result): Result | null {
  try {
    return work()
  } catch (error) {
    // The mark that is there is an older one, if any.
    if (isDiskFull(error)) return null
    throw error
  }
}
