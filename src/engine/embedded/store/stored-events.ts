import { Database } from "bun:sqlite"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { reasonOf } from "../../../system/reason-of.ts"
import { decodeOrigin } from "./origin-text.ts"
import { isDamage } from "./store-damage.ts"

export { EVENT_STEP } from "./checksum.ts"

interface Row {
  readonly seq: number
  readonly body: unknown
  readonly trace: unknown
}

/** An event of the store with its origin. */
export interface StoredPublication {
  /** Number of the event. */
  readonly number: number
  /** The event as JSON. */
  readonly body: string
  /** `traceparent` of the trace that it was published in; null if there is none. */
  readonly trace: string | null
  /** Id of the event whose handler published it; null if none did. */
  readonly causedBy: string | null
}

/**
 * Reads the events of a store that `stored` facts refer to, on any thread, while the engine writes it. A read takes a
 * moment and no lock that the engine waits for, except that a checkpoint waits for the end of the read.
 */
export class StoredEvents implements Disposable {
  readonly #database: Database
  readonly #select

  /** @throws if the store can't be opened */
  constructor(file: string) {
    try {
      this.#database = new Database(file, { readonly: true })
      this.#select = this.#database.prepare<Row, [number, number]>(
        "SELECT seq, body, trace FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq",
      )
    } catch (error) {
      throw unreadable(error)
    }
  }

  /**
   * Returns the events with these numbers and between, without those that are damaged or gone.
   * @throws if the store can't be read now
   */
  between(first: number, last: number): readonly StoredPublication[] {
    return this.#rows(first, last).flatMap(({ seq: number, body, trace }) => {
      if (typeof body !== "string") return []
      if (typeof trace !== "string") return [{ number, body, trace: null, causedBy: null }]
      const { trace: context, lineage } = decodeOrigin(trace)
      return [{ number, body, trace: context?.traceparent ?? null, causedBy: lineage?.causedBy ?? null }]
    })
  }

  [Symbol.dispose](): void {
    this.#select.finalize()
    this.#database.close()
  }

  #rows(first: number, last: number): readonly Row[] {
    try {
      return this.#select.all(first, last)
    } catch (error) {
      // The engine finds the damage when it needs the event.
      if (isDamage(error)) return []
      throw unreadable(error)
    }
  }
}

/**
 * Lets another connection, which takes URIs, read a store as the schema `store`, on any thread, while the engine writes
 * it. A read takes no lock that the engine waits for, except that a checkpoint waits for a moment for the end of the
 * transaction that read.
 * @throws if the store can't be opened
 */
export function attachStore(database: Database, file: string): void {
  try {
    database.run("ATTACH ? AS store", [`${pathToFileURL(resolve(file)).href}?mode=ro`])
  } catch (error) {
    throw unreadable(error)
  }
}

/** Returns an error that is not SQLite's, which would be taken for one of the history's own file. */
export const unreadable = (error: unknown): Error =>
  new Error(`the store can't be read: ${reasonOf(error)}`, { cause: error })
