import { closeSync, openSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"

/** The file that says which turn of the store was synced last. */
const MARK_FILE = "event-broker.mark"

const MODE = 0o600

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
 * but never a newer one.
 */
export class StoreMark implements Disposable {
  readonly #descriptor: number
  readonly #storeId: string

  constructor(dataDir: string, storeId: string) {
    const file = join(dataDir, MARK_FILE)
    // Not truncated: the old mark stays until the first turn is synced.
    this.#descriptor = openSync(file, readStoreMark(dataDir) === null ? "w" : "r+", MODE)
    this.#storeId = storeId
  }

  set(turn: number): void {
    writeSync(this.#descriptor, `${this.#storeId} ${String(turn).padStart(TURN_DIGITS, "0")}\n`, 0)
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor)
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
