import { join } from "node:path"
import { EVENT_STEP } from "../../src/engine/embedded/store/checksum.ts"
import { DATABASE_FILE, openStore } from "../../src/engine/embedded/store/database.ts"
import { encodeOrigin } from "../../src/engine/embedded/store/origin-text.ts"
import type { Event } from "../../src/event/envelope.ts"
import { layoutOf } from "../../src/event/event-layout.ts"
import { engineLine } from "../../src/event/history-fact.ts"
import { readTraceContext } from "../../src/event/trace-context.ts"
import { temporaryFolder } from "./temporary-folder.ts"

/** An event of a store, with its origin. */
export interface StoredDraft {
  readonly event: Event
  readonly trace?: string | undefined
  readonly causedBy?: string | undefined
  /** Default: the event. */
  readonly body?: string
}

export interface StoreWithEvents extends Disposable {
  readonly folder: string
  readonly file: string
  /** Runs a statement as the engine could. */
  run(sql: string): void
}

/** Creates a store with events, in their order. It is removed when it goes out of scope (`using`). */
export function storeWith(drafts: readonly StoredDraft[]): StoreWithEvents {
  const folder = temporaryFolder()
  const store = openStore(folder.path)
  const { database } = store
  const insert = database.prepare<never, [number, string, string | null, number | null]>(
    "INSERT INTO events (seq, body, trace, layout) VALUES (?, ?, ?, ?)",
  )
  database.transaction(() => {
    for (const [place, { event, trace, causedBy, body = JSON.stringify(event) }] of drafts.entries()) {
      const origin = encodeOrigin({
        trace: readTraceContext(trace, null),
        lineage: causedBy === undefined ? null : { causedBy, hops: 1, chain: [] },
      })
      insert.run(numberOf(place), body, origin, layoutOf(event, body))
    }
  })()
  insert.finalize()
  return {
    folder: folder.path,
    file: join(folder.path, DATABASE_FILE),
    run: (sql) => void database.run(sql),
    [Symbol.dispose]() {
      store[Symbol.dispose]()
      folder[Symbol.dispose]()
    },
  }
}

/** Returns the line of a fact that tells of the publications of events, by their places in the store. */
export const storedLine = (
  at: number,
  queues: readonly string[],
  first: number,
  last: number = first,
): string => engineLine({ fact: "stored", at, queues, first: numberOf(first), last: numberOf(last) })

const numberOf = (place: number): number => (place + 1) * EVENT_STEP
