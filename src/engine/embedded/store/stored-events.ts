import { Database } from "bun:sqlite"
import { reasonOf } from "../../../system/reason-of.ts"
import { decodeOrigin } from "./origin-text.ts"
import { isDamage } from "./store-damage.ts"

interface Row {
  readonly body: unknown
  readonly trace: unknown
}

/** An event of the store with its origin. */
export interface StoredPublication {
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

  /** @throws what SQLite throws if the store can't be opened */
  constructor(file: string) {
    this.#database = new Database(file, { readonly: true })
    this.#select = this.#database.prepare<Row, [number, number]>(
      "SELECT body, trace FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq",
    )
  }

  /**
   * Returns the events with these numbers and between, without those that are damaged or gone.
   * @throws if the store can't be read now
   */
  between(first: number, last: number): readonly StoredPublication[] {
    return this.#rows(first, last).flatMap(({ body, trace }) => {
      if (typeof body !== "string") return []
      if (typeof trace !== "string") return [{ body, trace: null, causedBy: null }]
      const { trace: context, lineage } = decodeOrigin(trace)
      return [{ body, trace: context?.traceparent ?? null, causedBy: lineage?.causedBy ?? null }]
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
      // Not as SQLite's error, which would be taken for one of the history's own file.
      throw new Error(`the store can't be read: ${reasonOf(error)}`, { cause: error })
    }
  }
}
