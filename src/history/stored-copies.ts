import type { Database } from "bun:sqlite"
import {
  attachStore,
  EVENT_STEP,
  StoredEvents,
  type StoredPublication,
  unreadable,
} from "../engine/embedded/store/stored-events.ts"
import {
  BEFORE_ID,
  BEFORE_KEY,
  BEFORE_NAME,
  BEFORE_TYPE,
  END,
  headOf,
  PAYLOAD,
  tailOf,
} from "../event/event-layout.ts"
import { defaultRoutingKey } from "../event/routing-space.ts"
import type { ReadStored } from "./fact-line.ts"
import { isDamage } from "./history-file.ts"
import { SOURCE } from "./history-tables.ts"

const quoted = (text: string): string => `CAST('${text}' AS BLOB)`

/** SQL of the length of a part of an event's JSON. See `layoutOf`. */
const lengthAt = (byte: number): string => `layout >> ${8 * byte} & 255`

/** SQL of a part of an event's JSON. Of bytes, because within a text SQLite would count characters from the beginning. */
const part = (from: string, length: string): string => `CAST(substr(json, ${from}, ${length}) AS TEXT)`

const optional = (length: string, sql: string): string => `iif(${length} = 0, NULL, ${sql})`

/** The first bytes of the parts, in SQL; the first of all is 1. */
const ID_AT = 1 + BEFORE_ID.length
const TYPE_AT = `${ID_AT + BEFORE_TYPE.length} + id`
const NAME_AT = `${TYPE_AT} + ${BEFORE_NAME.length} + type`
const KEY_AT = `${NAME_AT} + ${BEFORE_KEY.length} + name`
const REST_AT = `${headOf("", "", "", "").length + 1} + id + type + name
  + iif(key = 0, ${defaultRoutingKey("", "").length} + type + name, key)`

/** Length of what follows the rest. */
const TAIL = `iif(ordering = 0, ${END.length + tailOf(null).length}, ${END.length + tailOf("").length} + ordering)`

/** See `storedBody`. */
const REST = part(REST_AT, `length(json) + 1 - (${REST_AT}) - ${TAIL}`)

const COPY = `
  INSERT INTO main.events (
    seq, id, at, source, type, name, routing_key, ordering_key, trace_id, caused_by, queue_set, body
  )
  SELECT
    ?1 + (number - ?2) / ${EVENT_STEP},
    ${part(String(ID_AT), "id")},
    ?4,
    ${SOURCE.published},
    ${part(TYPE_AT, "type")},
    ${part(NAME_AT, "name")},
    ${optional("key", part(KEY_AT, "key"))},
    ${optional("ordering", part(`-${'"}'.length} - ordering`, "ordering"))},
    substr(trace ->> '$.traceparent', ${1 + "00-".length}, 32),
    trace ->> '$.lineage.causedBy',
    ?5,
    ${REST}
  FROM (
    SELECT
      seq AS number,
      trace,
      CAST(body AS BLOB) AS json,
      ${lengthAt(0)} AS type,
      ${lengthAt(1)} AS id,
      ${lengthAt(2)} AS name,
      ${lengthAt(3)} AS key,
      ${lengthAt(4)} AS ordering
    FROM store.events
    WHERE seq BETWEEN ?2 AND ?3 AND (seq - ?2) % ${EVENT_STEP} = 0 AND layout IS NOT NULL AND octet_length(body) <= ?6
    -- Without it, SQLite would work out each of these again wherever it is used.
    LIMIT -1 OFFSET 0
  )
  WHERE substr(json, ${REST_AT}, ${PAYLOAD.length}) = ${quoted(PAYLOAD)}
`

/** Events of the embedded engine's store, whose publications `stored` facts tell of. */
export class StoredCopies {
  readonly #database: Database
  readonly #storeFile: string
  readonly #maxBodyLength: number
  readonly #copy
  readonly #isCopied
  /** A connection of its own, because damage that one finds ends its transaction. Null until the first read. */
  #events: StoredEvents | null = null

  /** @throws if the store can't be opened */
  constructor(database: Database, storeFile: string, maxBodyLength: number) {
    this.#database = database
    this.#storeFile = storeFile
    this.#maxBodyLength = maxBodyLength
    attachStore(database, storeFile)
    try {
      this.#copy = database.prepare<never, number[]>(COPY)
    } catch (error) {
      throw unreadable(error)
    }
    this.#isCopied = database.prepare<never, [number]>("SELECT 1 FROM main.events WHERE seq = ?")
  }

  /**
   * Copies the events of a fact whose JSON has a known layout, which nearly all have: in SQLite, which takes half the time.
   * Returns how many. The others, and those of a store that can't be read now, are left to `read`.
   * @param seq number of the first event in the history; the others follow it as they do in the store
   * @throws if the store or the history is damaged, or SQLite ended the transaction: it has to be rolled back
   */
  copy({ at, first, last }: ReadStored, seq: number, queueSet: number): number {
    try {
      return this.#copy.run(seq, first, last, at, queueSet, this.#maxBodyLength).changes
    } catch (error) {
      if (isDamage(error) || !this.#database.inTransaction) throw error
      // Whether the store failed or the history shows when the events are read and stored one by one.
      return 0
    }
  }

  /** Returns whether the history has the event with this number. */
  has(seq: number): boolean {
    return this.#isCopied.get(seq) !== null
  }

  /**
   * Returns the events of a fact, without those that are damaged or gone. A number between those of events is damage.
   * @throws if the store can't be read now
   */
  read({ first, last }: ReadStored): readonly StoredPublication[] {
    this.#events ??= new StoredEvents(this.#storeFile)
    return this.#events.between(first, last).filter(({ number }) => (number - first) % EVENT_STEP === 0)
  }

  close(): void {
    this.#copy.finalize()
    this.#isCopied.finalize()
    this.#events?.[Symbol.dispose]()
  }
}

/** Returns how many numbers of events a fact has. */
export const countOf = ({ first, last }: ReadStored): number => Math.floor((last - first) / EVENT_STEP) + 1
